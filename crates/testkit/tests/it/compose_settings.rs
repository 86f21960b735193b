//! The variables of `docker-compose.yml` and their lines in `.env.example`.

use std::collections::{BTreeMap, BTreeSet};

use crate::compose;
use crate::workspace::root;

/// What Compose itself reads from `.env`.
const OF_COMPOSE: [&str; 1] = ["COMPOSE_PROFILES"];
/// What stands for a secret in `.env.example`; `scripts/compose.sh` writes a random one for it.
const PLACEHOLDER: &str = "change-me";

/// One use of a variable: `${NAME:-default}` or `${NAME:?message}`.
#[derive(Debug)]
struct Use {
    name: String,
    /// `None` where Compose refuses to start without it.
    default: Option<String>,
}

/// The file's text cut at its variables: what stands before each, and the variable; then the rest.
fn cut(text: &str) -> (Vec<(String, Use)>, String) {
    let mut uses = Vec::new();
    let mut before = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (head, tail) = rest.split_at(at);
        before.push_str(head);
        if let Some(tail) = tail.strip_prefix("$$") {
            before.push('$');
            rest = tail;
            continue;
        }
        let braced = tail
            .strip_prefix("${")
            .and_then(|tail| tail.split_once('}'));
        let (inside, tail) = braced.unwrap_or_else(|| panic!("write ${{NAME:-…}}: {tail:.20}"));
        let (name, default) = match (inside.split_once(":-"), inside.split_once(":?")) {
            (Some((name, default)), _) => (name, Some(default.to_owned())),
            (None, Some((name, _))) => (name, None),
            (None, None) => panic!("`{inside}` says neither its default nor that it must be set"),
        };
        let name = name.to_owned();
        uses.push((std::mem::take(&mut before), Use { name, default }));
        rest = tail;
    }
    before.push_str(rest);
    (uses, before)
}

/// The text as Compose sees it where no variable is set; what must be set is `change-me`.
pub(crate) fn with_defaults(text: &str) -> String {
    let (uses, rest) = cut(text);
    let filled = uses.into_iter().map(|(before, variable)| {
        let value = variable.default.unwrap_or_else(|| PLACEHOLDER.to_owned());
        before + &value
    });
    filled.collect::<String>() + &rest
}

/// The lines of `.env.example`: name, value, and whether it is commented out.
fn lines(example: &str) -> BTreeMap<String, (String, bool)> {
    let settings = example.lines().filter_map(|line| {
        let (line, is_comment) = match line.strip_prefix('#') {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        let (name, value) = line.split_once('=')?;
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || "_0123456789".contains(c));
        is_name.then(|| (name.to_owned(), (value.to_owned(), is_comment)))
    });
    settings.collect()
}

fn is_secret(name: &str) -> bool {
    ["PASSWORD", "TOKEN", "SECRET"]
        .iter()
        .any(|word| name.contains(word))
}

fn violations(compose: &str, example: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = lines(example);
    let (uses, _) = cut(compose);
    for (_, Use { name, default }) in &uses {
        let Some((value, is_comment)) = lines.get(name) else {
            wrong.push(format!("{name} has no line in .env.example"));
            continue;
        };
        match default {
            None if *is_comment => {
                wrong.push(format!("{name} must be set, and is commented out"));
            }
            Some(default) if is_secret(name) => {
                wrong.push(format!("{name} is a secret with a default: {default}"));
            }
            Some(default) if !default.is_empty() && (value != default || !is_comment) => {
                wrong.push(format!("{name} is {value}, and by default {default}"));
            }
            _ => {}
        }
        if is_secret(name) && value != PLACEHOLDER {
            wrong.push(format!("{name} is a secret, and not {PLACEHOLDER}"));
        }
    }
    let used: BTreeSet<_> = uses.iter().map(|(_, variable)| &variable.name).collect();
    for name in lines.keys() {
        if !used.contains(name) && !OF_COMPOSE.contains(&name.as_str()) {
            wrong.push(format!("{name} of .env.example is used nowhere"));
        }
    }
    wrong.extend(literal_secrets(compose));
    wrong
}

/// Values of secret settings that are written into the file: each must come from a variable.
fn literal_secrets(compose: &str) -> Vec<String> {
    let parsed = compose::parse(compose);
    let services = parsed["services"].as_object().into_iter().flatten();
    let settings = services.flat_map(|(service, its)| {
        let environment = its["environment"].as_object().into_iter().flatten();
        environment.map(move |(name, value)| (service, name, value.as_str().unwrap_or_default()))
    });
    settings
        .filter(|(_, name, value)| is_secret(name) && !value.ends_with(PLACEHOLDER))
        .map(|(service, name, _)| format!("{name} of {service} is written into the file"))
        .collect()
}

fn example() -> String {
    std::fs::read_to_string(root().join(".env.example")).expect("it lies in the root")
}

#[test]
fn every_variable_has_its_line_and_every_line_its_use() {
    let found = violations(&compose::text(), &example());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[track_caller]
fn breaks(compose_from: (&str, &str), example_from: (&str, &str), expect: &str) {
    let (compose, example) = (compose::text(), example());
    assert!(compose.contains(compose_from.0) && example.contains(example_from.0));
    let compose = compose.replace(compose_from.0, compose_from.1);
    let example = example.replace(example_from.0, example_from.1);
    let found = violations(&compose, &example).join("\n");
    assert!(found.contains(expect), "`{expect}` is not in `{found}`");
}

#[test]
fn each_rule_can_be_broken() {
    const SAME: (&str, &str) = ("", "");
    let example = |from, to, expect| breaks(SAME, (from, to), expect);
    let compose = |from, to, expect| breaks((from, to), SAME, expect);
    example(
        "#DAGSTER_PORT=",
        "#DAGSTER_GATE=",
        "DAGSTER_PORT has no line",
    );
    example(
        "#DAGSTER_PORT=",
        "#DAGSTER_GATE=",
        "DAGSTER_GATE of .env.example is used",
    );
    example(
        "#DAGSTER_PORT=3001",
        "#DAGSTER_PORT=3002",
        "by default 3001",
    );
    example("\nEVENTS_TOKEN=", "\n#EVENTS_TOKEN=", "commented out");
    example(
        "EVENTS_TOKEN=change-me",
        "EVENTS_TOKEN=a1b2c3",
        "not change-me",
    );
    compose(
        "${EVENTS_TOKEN:?is not set - copy .env.example to .env}",
        "${EVENTS_TOKEN:-easy}",
        "a secret with a default",
    );
    compose(
        "PGPASSWORD: ${POSTGRES_PASSWORD:?is not set - copy .env.example to .env}",
        "PGPASSWORD: s3cr3t",
        "PGPASSWORD of lazaret is written",
    );
}

#[test]
fn profiles_that_the_example_names_are_there() {
    let compose = compose::parse(&compose::text());
    let lines = lines(&example());
    let profile = &lines["COMPOSE_PROFILES"].0;
    let services = compose["services"].as_object().into_iter().flatten();
    let with_it = services.filter(|(_, its)| its["profiles"][0] == profile.as_str());
    assert_eq!(with_it.count(), 3);
}

#[test]
fn defaults_are_filled_in_as_compose_does() {
    assert_eq!(
        with_defaults("a ${X:-1}:${Y:?is not set} $$HOME ${Z:-}."),
        "a 1:change-me $HOME ."
    );
}
