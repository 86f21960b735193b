//! Where a service listens that stands behind a proxy.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// `host:port`, `http://host:port` or the path of a socket (`/…/.s.PGSQL.5432`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    Tcp(String),
    Unix(PathBuf),
}

impl From<SocketAddr> for Upstream {
    fn from(address: SocketAddr) -> Upstream {
        Upstream::Tcp(address.to_string())
    }
}

impl From<&str> for Upstream {
    fn from(place: &str) -> Upstream {
        assert!(
            !place.starts_with("https://"),
            "a proxy reads what passes: put it behind the TLS of {place}, not before it"
        );
        if place.starts_with('/') {
            return Upstream::Unix(place.into());
        }
        let place = place.strip_prefix("http://").unwrap_or(place);
        Upstream::Tcp(place.trim_end_matches('/').to_owned())
    }
}

impl From<String> for Upstream {
    fn from(place: String) -> Upstream {
        place.as_str().into()
    }
}

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

impl Upstream {
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Duplex>> {
        Ok(match self {
            Upstream::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Upstream::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_or_a_socket() {
        let tcp = Upstream::Tcp("127.0.0.1:80".to_owned());
        assert_eq!(Upstream::from("http://127.0.0.1:80/"), tcp);
        assert_eq!(Upstream::from("127.0.0.1:80"), tcp);
        let socket = "/tmp/cluster/.s.PGSQL.5432";
        assert_eq!(Upstream::from(socket), Upstream::Unix(socket.into()));
    }
}
