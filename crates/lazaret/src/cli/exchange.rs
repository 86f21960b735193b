use std::net::SocketAddr;

use clap::Subcommand;
use serde::Serialize;
use store::{DeadLetter, DeadLetterFilter};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::output::{Answer, Table, instant, show};
use super::{Done, Failure, Globals, project};
use crate::daemon::until_stopped;
use crate::exchange::Exchange;
use crate::http;

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Take records in over HTTP and publish them, until stopped; `lazaret up` does so too
    Serve {
        /// Address and port to serve at (LISTEN and `http.listen` say the same)
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
    },
    /// Make canonical records of what was published, until stopped; any number of these share the
    /// work
    Normalize,
    /// Messages that were given up: list
    #[command(subcommand)]
    DeadLetters(DeadLetters),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// Newest first, with the reason and without a patient's values
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

pub(crate) async fn run(globals: &Globals, call: Call) -> Result<Done, Failure> {
    match call {
        Call::Serve { listen } => serve(globals, listen).await,
        Call::Normalize => normalize(globals).await,
        Call::DeadLetters(DeadLetters::List { limit }) => list(globals, limit).await,
    }
}

async fn serve(globals: &Globals, listen: Option<SocketAddr>) -> Result<Done, Failure> {
    let configuration = project::configuration(globals)?;
    let store = project::open_store(&configuration).await?;
    let exchange = Exchange::open(&configuration, store)?;
    let address = listen.unwrap_or(configuration.daemon.listen);
    let Some(door) = exchange.door(address)? else {
        return Err(Failure::Unusable(
            "nobody could show who it is: set JWT_ISSUER, JWT_AUDIENCE and JWT_SECRET or JWT_JWKS; \
             on a developer's machine, ENV=local and an address of the machine itself"
                .to_owned(),
        ));
    };
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    exchange.publish(&mut tasks, &stop)?;
    let tls = configuration.daemon.tls.clone();
    let served = tokio::select! {
        served = http::serve(address, tls, http::exchange(door), stop.clone()) => served,
        () = until_stopped() => Ok(()),
    };
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(served.map(|()| Done::Well)?)
}

async fn normalize(globals: &Globals) -> Result<Done, Failure> {
    let configuration = project::configuration(globals)?;
    let store = project::open_store(&configuration).await?;
    let exchange = Exchange::open(&configuration, store)?;
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    exchange.normalize(&mut tasks, &stop)?;
    tracing::info!("normalising");
    until_stopped().await;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(Done::Well)
}

#[derive(Debug, Serialize)]
struct Listed {
    dead_letters: Vec<DeadLetter>,
}

async fn list(globals: &Globals, limit: u32) -> Result<Done, Failure> {
    let store = project::open_store(&project::configuration(globals)?).await?;
    let filter = DeadLetterFilter {
        limit: Some(limit),
        ..DeadLetterFilter::default()
    };
    let dead_letters = store.dead_letters(&filter).await?;
    show(globals.format, &Listed { dead_letters })?;
    Ok(Done::Well)
}

impl Answer for Listed {
    fn text(&self) -> String {
        if self.dead_letters.is_empty() {
            return "No message was given up.".to_owned();
        }
        let mut table = Table::new(["dead letter", "at", "topic", "reason", "state"]);
        for dead in &self.dead_letters {
            table.row([
                dead.dead_letter_id.to_string(),
                instant(dead.created_at),
                dead.letter.topic.clone(),
                dead.letter.reason_code.clone(),
                dead.state.to_string(),
            ]);
        }
        table.to_string()
    }
}
