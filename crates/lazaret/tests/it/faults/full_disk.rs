//! A disk that is full: a small file system of the test's own, where the kernel lets us have one
//! without privileges, and everywhere a limit of what a file may hold.

use std::process::Command;

use super::{Ran, State, deliver, undisturbed};
use crate::crash::state;
use crate::project::{Project, Stack, files_below};

/// Runs on a file system of so many kilobytes, then on a large one. `$1` is the project, `$2` the
/// size, `$3` the program. The first run's answer and end are left beside the project.
const ON_A_SMALL_DISK: &str = r#"
set -e
disk=$1.disk; mkdir -p "$disk"
mount -t tmpfs -o size=$2k,mode=0700 tmpfs "$disk"
cp -a "$1"/. "$disk"
code=0
LAZARET_PROJECT=$disk "$3" run --once --format json >"$1.out" 2>"$1.err" || code=$?
echo $code >"$1.code"
mount -o remount,size=1g "$disk"
LAZARET_PROJECT=$disk "$3" run --once --format json
rm -rf "$1"; mkdir "$1"; cp -a "$disk"/. "$1"
"#;

/// The same with `up`: the disk becomes large under it, as soon as it has found it full, and it has
/// to do everything by itself. The run after it finds nothing to do.
const UNATTENDED: &str = r#"
set -e
disk=$1.disk; mkdir -p "$disk"
mount -t tmpfs -o size=$2k,mode=0700 tmpfs "$disk"
cp -a "$1"/. "$disk"
export LAZARET_PROJECT=$disk
"$3" up --listen 127.0.0.1:0 2>"$1.err" & up=$!
until grep -Eq 'No space left|is full|disk I/O error' "$1.err"; do sleep 0.2; done
mount -o remount,size=1g "$disk"
is_at_work() {
    "$1" sensor list --format json | grep -Eq '"(due|waiting|stopped)": *[1-9]' ||
        "$1" job list --status RUNNING --format json | grep -q run_id
}
until [ "$("$3" submission list --format json | grep -c grouping_key)" = 3 ] &&
    ! is_at_work "$3" && ! is_at_work "$3"; do sleep 0.5; done
code=0
kill $up; wait $up || code=$?
echo $code >"$1.code"
"$3" run --once --format json | tee "$1.out"
rm -rf "$1"; mkdir "$1"; cp -a "$disk"/. "$1"
"#;

/// The same as the first with a limit of a file's length. A write beyond it is an error as long as the signal
/// is ignored.
const UNDER_A_LIMIT: &str = r#"
set -e
code=0
(trap '' XFSZ; ulimit -f $(($2 * 2)); LAZARET_PROJECT=$1 exec "$3" run --once --format json) \
    >"$1.out" 2>"$1.err" || code=$?
echo $code >"$1.code"
LAZARET_PROJECT=$1 "$3" run --once --format json
"#;

/// Whether we may mount in a name space of our own; a container often forbids it.
fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/tmp"])
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}

/// The run on the full disk, and the run after it.
fn run_twice(project: &Project, script: &str, kilobytes: u64) -> [Ran; 2] {
    let mut command = if script == UNDER_A_LIMIT {
        Command::new("sh")
    } else {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh"]);
        command
    };
    command.args(["-c", script, "full disk"]);
    let root = project.root();
    let run = project.command(&[]);
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command
        .args([root.to_str().unwrap(), &kilobytes.to_string()])
        .arg(run.get_program())
        .output()
        .unwrap();
    let beside = |ending| std::fs::read(root.with_extension(ending)).unwrap();
    let first = Ran {
        code: String::from_utf8(beside("code"))
            .unwrap()
            .trim()
            .parse()
            .unwrap(),
        answer: serde_json::from_slice(&beside("out")).unwrap_or_default(),
        told: String::from_utf8(beside("err")).unwrap(),
    };
    assert!(!first.told.contains("panicked"), "{}", first.told);
    [first, Ran::of(&output)]
}

fn check(expected: &State, script: &str, kilobytes: impl Fn(u64) -> u64) {
    let project = Project::new(Stack::SqliteAndFolder);
    deliver(&project);
    let used = Command::new("du").arg("-sk").arg(project.root()).output();
    let used = String::from_utf8(used.unwrap().stdout).unwrap();
    let used: u64 = used.split_whitespace().next().unwrap().parse().unwrap();
    let kilobytes = kilobytes(used);
    let [first, second] = run_twice(&project, script, kilobytes);
    let said = format!(
        "{kilobytes} kB: {} {}",
        first.answer["failures"], first.told
    );
    let failed = if script == UNATTENDED { 0 } else { 1 };
    assert_eq!(first.code, failed, "{said}");
    let named = [
        "No space left",
        "is full",
        "File too large",
        "disk I/O error",
    ];
    assert!(named.iter().any(|text| said.contains(text)), "{said}");
    let ended = (second.code, second.failed());
    assert_eq!(ended, (0, vec![]), "{}", second.told);
    assert_eq!(state(&project), *expected, "{said}");
    let data = files_below(&project.root().join("data"));
    let mut names = data.iter().map(|path| path.to_string_lossy());
    // What is not finished has a `#` in its name.
    assert_eq!(names.find(|name| name.contains('#')), None, "{said}");
}

#[test]
fn a_full_disk_fails_the_run_and_the_next_one_goes_on() {
    if !may_mount() {
        eprintln!("no file system can be mounted here: limits of files stand for it");
        return;
    }
    let expected = undisturbed();
    for free in [64, 8_000, 15_000, 15_500, 16_000, 16_500] {
        check(&expected, ON_A_SMALL_DISK, |used| used + free);
    }
}

#[test]
fn a_disk_that_was_full_for_a_while_needs_no_hand() {
    if !may_mount() {
        eprintln!("no file system can be mounted here: a full disk under `up` is not tested");
        return;
    }
    let expected = undisturbed();
    for free in [8_000, 15_500] {
        check(&expected, UNATTENDED, |used| used + free);
    }
}

#[test]
fn a_file_that_may_not_grow_fails_the_run_and_the_next_one_goes_on() {
    let expected = undisturbed();
    for longest in [64, 8_000] {
        check(&expected, UNDER_A_LIMIT, |_| longest);
    }
}
