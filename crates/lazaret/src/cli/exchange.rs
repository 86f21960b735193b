use std::net::SocketAddr;

use clap::Subcommand;
use contract::{DeadLetterId, EventId};
use serde::Serialize;
use store::{DeadLetter, DeadLetterFilter, Moved, NewDeadLetter, NewEvent, Owner, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::output::{Answer, Table, instant, pairs, say, show};
use super::{Done, Failure, Globals, actor, project};
use crate::configuration::Configuration;
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
    /// Messages that were given up: list, show, redrive, discard
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
    /// All that is known of one
    Show { dead_letter: DeadLetterId },
    /// Send it on again, once what made it fail is mended
    Redrive {
        dead_letter: DeadLetterId,
        /// Why, for the audit log
        #[arg(long)]
        note: Option<String>,
    },
    /// Leave it as it is; its record does not become canonical
    Discard {
        dead_letter: DeadLetterId,
        /// Why, for the audit log
        #[arg(long)]
        note: Option<String>,
    },
}

pub(crate) async fn run(globals: &Globals, call: Call) -> Result<Done, Failure> {
    match call {
        Call::Serve { listen } => serve(globals, listen).await,
        Call::Normalize => normalize(globals).await,
        Call::DeadLetters(call) => dead_letters(globals, call).await,
    }
}

/// The database, and what processes of this host that died had claimed is free again.
async fn store_to_work_on(configuration: &Configuration) -> Result<Store, Failure> {
    let store = project::open_store(configuration).await?;
    store.release_dead_leases(&Owner::this_process()).await?;
    Ok(store)
}

async fn serve(globals: &Globals, listen: Option<SocketAddr>) -> Result<Done, Failure> {
    let configuration = project::configuration(globals)?;
    let store = store_to_work_on(&configuration).await?;
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
    exchange.forget_keys(&mut tasks, &stop);
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
    let store = store_to_work_on(&configuration).await?;
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

async fn dead_letters(globals: &Globals, call: DeadLetters) -> Result<Done, Failure> {
    let store = project::open_store(&project::configuration(globals)?).await?;
    match call {
        DeadLetters::List { limit } => list(globals, &store, limit).await,
        DeadLetters::Show { dead_letter } => {
            show(globals.format, &Shown(known(&store, dead_letter).await?))?;
            Ok(Done::Well)
        }
        DeadLetters::Redrive { dead_letter, note } => {
            let event = sent_again(&known(&store, dead_letter).await?)?;
            let (by, note) = (actor(), note.as_deref());
            let moved = store.redrive_dead_letter(dead_letter, &event, &by, note);
            decided(globals, moved.await?, "it is sent again")
        }
        DeadLetters::Discard { dead_letter, note } => {
            known(&store, dead_letter).await?;
            let (by, note) = (actor(), note.as_deref());
            let moved = store.discard_dead_letter(dead_letter, &by, note);
            decided(globals, moved.await?, "it is left as it is")
        }
    }
}

async fn known(store: &Store, id: DeadLetterId) -> Result<DeadLetter, Failure> {
    let known = store.dead_letter(id).await?;
    known.ok_or_else(|| {
        Failure::refused(format!(
            "there is no dead letter {id}: `lazaret exchange dead-letters list` shows them"
        ))
    })
}

/// The event that announced the record, as a new one.
fn sent_again(dead: &DeadLetter) -> Result<NewEvent, Failure> {
    let NewDeadLetter {
        record_id,
        topic,
        event_key,
        message,
        headers,
        ..
    } = &dead.letter;
    let (Some(record_id), Some(payload)) = (record_id, message) else {
        return Err(Failure::refused(
            "its event could not be read, so there is nothing to send again: discard it",
        ));
    };
    let event_id = EventId::new();
    let mut headers = headers.clone();
    headers["ce_id"] = event_id.to_string().into();
    Ok(NewEvent {
        event_id,
        record_id: *record_id,
        topic: topic.clone(),
        event_key: event_key.clone().unwrap_or_else(|| record_id.to_string()),
        payload: payload.clone(),
        headers,
    })
}

fn decided(globals: &Globals, moved: Moved, told: &str) -> Result<Done, Failure> {
    match moved {
        Moved::Yes(()) => {
            say(globals.format, told)?;
            Ok(Done::Well)
        }
        Moved::No => Err(Failure::refused("it was decided before")),
    }
}

async fn list(globals: &Globals, store: &Store, limit: u32) -> Result<Done, Failure> {
    let filter = DeadLetterFilter {
        limit: Some(limit),
        ..DeadLetterFilter::default()
    };
    let dead_letters = store.dead_letters(&filter).await?;
    show(globals.format, &Listed { dead_letters })?;
    Ok(Done::Well)
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown(DeadLetter);

impl Answer for Shown {
    fn text(&self) -> String {
        let DeadLetter { letter, .. } = &self.0;
        pairs(&[
            ("dead letter", self.0.dead_letter_id.to_string()),
            ("state", self.0.state.to_string()),
            ("at", instant(self.0.created_at)),
            (
                "record",
                letter
                    .record_id
                    .map(|id| id.to_string())
                    .unwrap_or_default(),
            ),
            ("topic", letter.topic.clone()),
            (
                "reason",
                format!("{}: {}", letter.reason_code, letter.reason),
            ),
            ("decided by", self.0.decided_by.clone().unwrap_or_default()),
            ("note", self.0.note.clone().unwrap_or_default()),
        ])
    }
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
