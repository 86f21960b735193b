use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand};
use contract::{AtomicMonth, FileType, StateCode};
use pipeline::{BuiltMonth, Pipeline};
use serde::Serialize;
use store::{Build, BuildFilter, BuildStatus, MonthKey, Owner, WinnerFilter};

use super::output::{Answer, Table, count_if_any, instant, plural, say, show};
use super::{Done, Failure, Globals, project};

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Build one month now
    Build(BuildOne),
    /// Put months into the queue; the next `lazaret run --once` builds them
    Rebuild(Rebuild),
    /// The canonical months, each with its last build
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct BuildOne {
    #[arg(long)]
    state: StateCode,
    #[arg(long)]
    file_type: FileType,
    /// YYYY-MM
    #[arg(long)]
    month: AtomicMonth,
    /// Build it even where its inputs are those of the last build
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    #[arg(long)]
    state: Option<StateCode>,
    #[arg(long)]
    file_type: Option<FileType>,
    /// YYYY-MM
    #[arg(long, conflicts_with = "all", required_unless_present = "all")]
    month: Option<AtomicMonth>,
    /// Every month that has winners
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[arg(long)]
    state: Option<StateCode>,
    #[arg(long)]
    file_type: Option<FileType>,
    /// YYYY-MM
    #[arg(long)]
    month: Option<AtomicMonth>,
    /// Every build, newest first, instead of each month's last
    #[arg(long)]
    history: bool,
}

pub(crate) async fn run(globals: &Globals, call: Call) -> Result<Done, Failure> {
    match call {
        Call::Build(call) => build(globals, call).await,
        Call::Rebuild(call) => rebuild(globals, call).await,
        Call::List(call) => list(globals, call).await,
    }
}

#[derive(Debug, Serialize)]
struct Built {
    #[serde(flatten)]
    key: MonthKey,
    #[serde(flatten)]
    built: BuiltMonth,
}

async fn build(globals: &Globals, call: BuildOne) -> Result<Done, Failure> {
    let pipeline = project::open(globals).await?;
    let key = MonthKey {
        state: call.state,
        file_type: call.file_type,
        atomic_month: call.month,
    };
    if winners_months(&pipeline, &filter(&key)).await?.is_empty() {
        return Err(Failure::refused(format!(
            "{key} has no winners, so there is nothing to build: `lazaret winner list` shows what there is"
        )));
    }
    // A build that a killed process left must not keep this one waiting.
    pipeline
        .store
        .release_dead_leases(&Owner::this_process())
        .await?;
    pipeline.sync_registry().await?;
    let built = pipeline.build_month_now(&key, call.force).await?;
    let failed = matches!(built, BuiltMonth::Failed { .. });
    show(globals.format, &Built { key, built })?;
    Ok(if failed { Done::WithFaults } else { Done::Well })
}

fn filter(key: &MonthKey) -> WinnerFilter {
    WinnerFilter {
        state: Some(key.state.clone()),
        file_type: Some(key.file_type.clone()),
        atomic_month: Some(key.atomic_month),
        submitter_id: None,
    }
}

async fn winners_months(
    pipeline: &Pipeline,
    filter: &WinnerFilter,
) -> Result<BTreeSet<MonthKey>, Failure> {
    let winners = pipeline.store.winners(filter).await?;
    let months = winners.into_iter().map(|winner| MonthKey {
        state: winner.key.state,
        file_type: winner.key.file_type,
        atomic_month: winner.key.atomic_month,
    });
    Ok(months.collect())
}

impl Answer for Built {
    fn text(&self) -> String {
        let key = &self.key;
        match &self.built {
            BuiltMonth::Succeeded {
                rows,
                delta_version,
            } => {
                format!(
                    "{key}  SUCCEEDED: {}, version {delta_version} of the table",
                    plural(*rows, "row")
                )
            }
            BuiltMonth::Skipped { reason } => {
                format!("{key}  SKIPPED: {reason} (--force builds it all the same)")
            }
            BuiltMonth::Failed { reason } => format!("{key}  FAILED: {reason}"),
        }
    }
}

async fn rebuild(globals: &Globals, call: Rebuild) -> Result<Done, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    let filter = WinnerFilter {
        state: call.state,
        file_type: call.file_type,
        atomic_month: call.month,
        submitter_id: None,
    };
    let months = winners_months(&pipeline, &filter).await?;
    if months.is_empty() {
        return Err(Failure::refused(
            "no month with winners fits that: `lazaret winner list` shows what there is",
        ));
    }
    let mut enqueued = 0_u64;
    for key in &months {
        enqueued += u64::from(
            pipeline
                .store
                .enqueue_rebuild(key, "asked for by an operator", None)
                .await?,
        );
    }
    let waiting = months.len() as u64 - enqueued;
    let already = if waiting > 0 {
        format!(", {waiting} waited already")
    } else {
        String::new()
    };
    let queued = plural(enqueued, "month");
    say(
        globals.format,
        format!("{queued} put into the queue{already}; the next `lazaret run --once` builds them"),
    )?;
    Ok(Done::Well)
}

#[derive(Debug, Serialize)]
struct Listed {
    builds: Vec<ListedBuild>,
}

#[derive(Debug, Serialize)]
struct ListedBuild {
    #[serde(flatten)]
    build: Build,
    /// The rows that the table holds now, from the last build that wrote it.
    rows_now: Option<i64>,
    submitters: usize,
    layouts: BTreeSet<String>,
}

async fn list(globals: &Globals, call: List) -> Result<Done, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    let filter = BuildFilter {
        state: call.state,
        file_type: call.file_type,
        atomic_month: call.month,
        limit: None,
    };
    let builds = pipeline.store.builds(&filter).await?;
    let builds = if call.history {
        every(builds)
    } else {
        latest(builds)
    };
    show(globals.format, &Listed { builds })?;
    Ok(Done::Well)
}

fn every(builds: Vec<Build>) -> Vec<ListedBuild> {
    builds
        .into_iter()
        .map(|build| ListedBuild::new(build.clone(), Some(&build)))
        .collect()
}

/// Each month's last build, by month. `builds` are newest first.
fn latest(builds: Vec<Build>) -> Vec<ListedBuild> {
    let mut months: BTreeMap<MonthKey, (Build, Option<Build>)> = BTreeMap::new();
    for build in builds {
        let wrote = build.status == BuildStatus::Succeeded;
        let (_, success) = months
            .entry(build.key.clone())
            .or_insert_with(|| (build.clone(), None));
        if wrote && success.is_none() {
            *success = Some(build);
        }
    }
    months
        .into_values()
        .map(|(last, success)| ListedBuild::new(last, success.as_ref()))
        .collect()
}

impl ListedBuild {
    /// `success`: the build whose rows and sources stand for the month.
    fn new(build: Build, success: Option<&Build>) -> Self {
        let sources = success.map(Sources::of).unwrap_or_default();
        Self {
            rows_now: success.and_then(|build| build.rows),
            submitters: sources.submitters.len(),
            layouts: sources.layouts,
            build,
        }
    }
}

/// Who a build was made from.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) submitters: BTreeSet<String>,
    pub(super) layouts: BTreeSet<String>,
}

impl Sources {
    pub(super) fn of(build: &Build) -> Self {
        let inputs: Vec<serde_json::Value> =
            serde_json::from_str(&build.sources).unwrap_or_default();
        let texts = |key: &str| {
            inputs
                .iter()
                .filter_map(|input| input.get(key)?.as_str().map(str::to_owned))
                .collect()
        };
        Self {
            submitters: texts("submitter_id"),
            layouts: texts("layout_id"),
        }
    }
}

impl Answer for Listed {
    fn text(&self) -> String {
        if self.builds.is_empty() {
            return "no canonical months: `lazaret run --once` builds those that are due".into();
        }
        let mut table = Table::new([
            "state",
            "file type",
            "month",
            "#rows",
            "#submitters",
            "layouts",
            "last build",
            "finished",
        ]);
        let mut reasons = String::new();
        for listed in &self.builds {
            let build = &listed.build;
            let layouts: Vec<&str> = listed.layouts.iter().map(String::as_str).collect();
            table.row([
                build.key.state.to_string(),
                build.key.file_type.to_string(),
                build.key.atomic_month.to_string(),
                count_if_any(listed.rows_now),
                listed.submitters.to_string(),
                layouts.join(", "),
                build.status.as_str().to_owned(),
                build.finished_at.map(instant).unwrap_or_default(),
            ]);
            if let Some(reason) = build
                .reason
                .as_ref()
                .filter(|_| build.status == BuildStatus::Failed)
            {
                reasons += &format!("\n{} FAILED: {reason}", build.key);
            }
        }
        format!("{table}\n{reasons}")
    }
}
