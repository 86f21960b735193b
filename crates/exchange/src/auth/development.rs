use std::net::SocketAddr;

/// The environment that is somebody's own machine.
const LOCAL: &str = "local";

/// Whether `Authorization: Bearer dev` may do everything: only where `ENV` is `local`, and only where
/// nobody but this machine reaches the listener.
pub fn accepts_dev_token(environment: &str, listener: SocketAddr) -> bool {
    // `::ffff:127.0.0.1` is 127.0.0.1 on a socket that speaks both.
    environment == LOCAL && listener.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dev_token_is_for_ones_own_machine() {
        let cases = [
            ("local", "127.0.0.1:8080", true),
            ("local", "127.9.9.9:8080", true),
            ("local", "[::1]:8080", true),
            ("local", "[::ffff:127.0.0.1]:8080", true),
            ("local", "0.0.0.0:8080", false),
            ("local", "[::]:8080", false),
            ("local", "192.168.1.7:8080", false),
            ("local", "[::ffff:192.168.1.7]:8080", false),
            ("local", "[fe80::1]:8080", false),
            ("", "127.0.0.1:8080", false),
            ("Local", "127.0.0.1:8080", false),
            ("local ", "127.0.0.1:8080", false),
            ("dev", "127.0.0.1:8080", false),
            ("production", "127.0.0.1:8080", false),
            ("production", "0.0.0.0:8080", false),
        ];
        for (environment, listener, expected) in cases {
            let accepts = accepts_dev_token(environment, listener.parse().unwrap());
            assert_eq!(accepts, expected, "{environment:?} {listener}");
        }
    }
}
