//! Databases' URLs, taken apart so that a proxy can stand between.

use std::net::SocketAddr;

use crate::upstream::Upstream;

const PORT: &str = "5432";

/// `scheme://{user}@{place}/{name}?{options}`
struct Parts<'a> {
    scheme: &'a str,
    user: &'a str,
    place: &'a str,
    name: &'a str,
    options: Vec<&'a str>,
}

impl Parts<'_> {
    fn of(url: &str) -> Parts<'_> {
        let (scheme, rest) = url.split_once("://").expect("a database's URL");
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        Parts {
            scheme,
            user,
            place,
            name,
            options: options.split('&').filter(|text| !text.is_empty()).collect(),
        }
    }
}

/// Where the server of a database listens.
///
/// # Panics
/// When the text is no URL.
pub fn upstream(url: &str) -> Upstream {
    let parts = Parts::of(url);
    let option = |name: &str| {
        let mut options = parts.options.iter();
        options.find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    };
    let (host, port) = parts.place.rsplit_once(':').unwrap_or((parts.place, PORT));
    let port = option("port").unwrap_or(port);
    match option("host").unwrap_or(host) {
        folder if folder.starts_with('/') => format!("{folder}/.s.PGSQL.{port}").into(),
        host => format!("{host}:{port}").into(),
    }
}

/// The URL of the same database by way of another address: that of a proxy to [`upstream`].
///
/// # Panics
/// When the text is no URL.
pub fn through(url: &str, address: SocketAddr) -> String {
    let parts = Parts::of(url);
    let at = if parts.user.is_empty() { "" } else { "@" };
    let kept: Vec<&str> = parts
        .options
        .iter()
        .copied()
        .filter(|option| !option.starts_with("host=") && !option.starts_with("port="))
        .collect();
    let mark = if kept.is_empty() { "" } else { "?" };
    let (scheme, user, name) = (parts.scheme, parts.user, parts.name);
    format!(
        "{scheme}://{user}{at}{address}/{name}{mark}{}",
        kept.join("&")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, listens: &str, goes: &str) {
        assert_eq!(upstream(url), Upstream::from(listens));
        let address = SocketAddr::from(([127, 0, 0, 1], 40123));
        assert_eq!(through(url, address), goes);
    }

    #[test]
    fn a_database_is_reached_another_way() {
        check(
            "postgres://postgres@localhost/one?host=/tmp/cluster",
            "/tmp/cluster/.s.PGSQL.5432",
            "postgres://postgres@127.0.0.1:40123/one",
        );
        check(
            "postgres://u:p@db.example:6000/one?sslmode=require&connect_timeout=3",
            "db.example:6000",
            "postgres://u:p@127.0.0.1:40123/one?sslmode=require&connect_timeout=3",
        );
        check(
            "postgresql://db.example/one",
            "db.example:5432",
            "postgresql://127.0.0.1:40123/one",
        );
    }
}
