use std::sync::Arc;

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, ParquetReadOptions, SessionConfig, SessionContext};

use crate::{LakeError, Objects};

/// What queries run in.
pub type Session = SessionContext;

/// What one query may hold in memory before it spills to disk.
const QUERY_MEMORY_BYTES: usize = 256 * 1024 * 1024;

/// A DataFusion session over the place: bounded memory, plain strings, UTC.
pub fn session(objects: &Objects) -> Result<Session, LakeError> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(QUERY_MEMORY_BYTES)))
        .build_arc()
        .map_err(LakeError::plan("the query session"))?;
    runtime.register_object_store(objects.url(), objects.store());
    let mut config = SessionConfig::new().with_information_schema(false);
    let options = config.options_mut();
    options.execution.parquet.schema_force_view_types = false;
    options.execution.time_zone = Some("+00:00".into());
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// The rows of Parquet files named by key.
pub(crate) async fn read_parquet(
    context: &SessionContext,
    objects: &Objects,
    keys: &[String],
    subject: &str,
) -> Result<DataFrame, LakeError> {
    let urls: Vec<String> = keys
        .iter()
        .map(|key| objects.url_of(key).to_string())
        .collect();
    context
        .read_parquet(urls, ParquetReadOptions::default())
        .await
        .map_err(LakeError::plan(subject))
}
