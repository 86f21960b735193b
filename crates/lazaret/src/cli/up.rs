use std::net::SocketAddr;

use clap::Args;

use super::{Done, Failure, Globals, project};
use crate::configuration::Configuration;
use crate::daemon::{self, Daemon};

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Address and port to serve at (LISTEN and `http.listen` say the same)
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
}

/// Finds, works and serves until it is told to stop.
pub(crate) async fn up(globals: &Globals, call: &Call) -> Result<Done, Failure> {
    let (configuration, daemon) = open(globals).await?;
    let listen = call.listen.unwrap_or(configuration.daemon.listen);
    daemon.run(Some(listen)).await?;
    Ok(Done::Well)
}

/// Works until it is told to stop.
pub(crate) async fn worker(globals: &Globals) -> Result<Done, Failure> {
    let (_, daemon) = open(globals).await?;
    daemon.run(None).await?;
    Ok(Done::Well)
}

async fn open(globals: &Globals) -> Result<(Configuration, Daemon), Failure> {
    let configuration = project::configuration(globals)?;
    let pipeline = project::open_watched(&configuration, daemon::observer()).await?;
    project::require_mappings(&pipeline)?;
    let daemon = Daemon::new(configuration.clone(), pipeline);
    Ok((configuration, daemon))
}
