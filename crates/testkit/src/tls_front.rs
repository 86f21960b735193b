//! TLS before a service that has none of its own.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::background::Background;
use crate::certificates::Pair;
use crate::upstream::Upstream;

/// Ends TLS and passes on what was in it. Dropping it ends it and every connection through it.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    handshakes: Arc<AtomicU64>,
    _background: Background,
}

impl TlsFront {
    /// # Panics
    /// When the files do not hold a certificate and its key.
    pub fn start(upstream: impl Into<Upstream>, pair: &Pair) -> TlsFront {
        let upstream = upstream.into();
        let acceptor = TlsAcceptor::from(Arc::new(configuration(pair)));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of this machine");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let handshakes = Arc::new(AtomicU64::new(0));
        let counted = handshakes.clone();
        let background = Background::run(move || serve(listener, acceptor, upstream, counted));
        TlsFront {
            address,
            handshakes,
            _background: background,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://localhost:40123`
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// How many clients agreed with the certificate.
    pub fn handshakes(&self) -> u64 {
        self.handshakes.load(Ordering::Relaxed)
    }
}

fn configuration(pair: &Pair) -> ServerConfig {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&pair.certificate)
        .expect("the certificate's file can be read")
        .collect();
    let key = PrivateKeyDer::from_pem_file(&pair.key).expect("the key's file holds a key");
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions")
        .with_no_client_auth()
        .with_single_cert(certificates.expect("the file holds certificates"), key)
        .expect("the key is the certificate's")
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    upstream: Upstream,
    handshakes: Arc<AtomicU64>,
) {
    listener.set_nonblocking(true).expect("a socket of ours");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket of ours");
    loop {
        // Whoever has gone away again needs no service.
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let (acceptor, upstream, handshakes) =
            (acceptor.clone(), upstream.clone(), handshakes.clone());
        tokio::spawn(async move {
            // A client that trusts another authority ends the handshake, and is not counted.
            let mut client = acceptor.accept(client).await?;
            handshakes.fetch_add(1, Ordering::Relaxed);
            let mut service = upstream.connect().await?;
            // A side that breaks off ends the other one too.
            tokio::io::copy_bidirectional(&mut client, &mut service).await
        });
    }
}
