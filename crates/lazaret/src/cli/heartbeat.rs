use anyhow::Context;
use serde::Serialize;
use serde_json::json;
use store::Backend;

use super::output::{Answer, show};
use super::piped::{Told, telling};
use super::{Done, Failure, Globals, project};
use crate::pipes::Report;

const ROW: &str = "phase0_ok";
const OBJECT: &str = "bootstrap/hello.txt";
const TEXT: &str = "hello\n";

#[derive(Debug, Serialize)]
struct Heartbeat {
    database: Backend,
    row: String,
    object: &'static str,
    bytes: usize,
}

/// Proves that the database and the object store take something and give it back.
pub(crate) async fn run(globals: &Globals) -> Result<Done, Failure> {
    telling(beat(globals)).await
}

async fn beat(globals: &Globals) -> Result<Told, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    let row = pipeline.store.beat(ROW).await?;
    let put = pipeline.objects.put(OBJECT, TEXT.into()).await;
    put.context("the object store does not take an object")?;
    let read = pipeline.objects.get(OBJECT).await;
    let read = read.context("the object that was just written cannot be read")?;
    if row != ROW || read != TEXT {
        return Err(anyhow::anyhow!("what was read is not what was written").into());
    }
    let heartbeat = Heartbeat {
        database: pipeline.store.backend(),
        row,
        object: OBJECT,
        bytes: read.len(),
    };
    show(globals.format, &heartbeat)?;
    Ok(Told {
        done: Done::Well,
        report: Report::of_heartbeat(json!(heartbeat)),
        failure: None,
    })
}

impl Answer for Heartbeat {
    fn text(&self) -> String {
        format!(
            "{} gave back the row `{}`; the object store, {} bytes of {}",
            self.database, self.row, self.bytes, self.object
        )
    }
}
