//! Certificates that nobody else trusts: an authority of a test's own, and servers under it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;

/// PEM files of an authority and of two certificates for this machine (`localhost`, `127.0.0.1`)
/// under it, in a folder that goes with this value.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
}

/// A certificate's file and that of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificates {
    /// # Panics
    /// When the files cannot be written.
    pub fn create() -> Certificates {
        let folder = TempDir::with_prefix("lazaret-certificates-").expect("a temporary folder");
        let certificates = Certificates { folder };
        let (authority, text) = authority();
        write(&certificates.authority(), &text, 0o644);
        for pair in [certificates.server(), certificates.renewed()] {
            let (certificate, key) = server(&authority);
            pair.write(&certificate, &key);
        }
        certificates
    }

    /// Where the files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The authority's certificate: who trusts it, trusts the servers'.
    pub fn authority(&self) -> PathBuf {
        self.folder().join("authority.pem")
    }

    /// What a server begins with.
    pub fn server(&self) -> Pair {
        self.pair("server")
    }

    /// Another certificate of the same server, with a key of its own.
    pub fn renewed(&self) -> Pair {
        self.pair("renewed")
    }

    /// Puts the renewed certificate and key in the place of the server's, as a tool for renewal
    /// does: each file is replaced as a whole.
    ///
    /// # Panics
    /// When the files cannot be written.
    pub fn renew(&self) {
        let (from, to) = (self.renewed(), self.server());
        let text = |path: &Path| fs::read_to_string(path).expect("our own file can be read");
        to.write(&text(&from.certificate), &text(&from.key));
    }

    fn pair(&self, name: &str) -> Pair {
        Pair {
            certificate: self.folder().join(format!("{name}.pem")),
            key: self.folder().join(format!("{name}-key.pem")),
        }
    }
}

impl Pair {
    fn write(&self, certificate: &str, key: &str) {
        write(&self.key, key, 0o600);
        write(&self.certificate, certificate, 0o644);
    }
}

fn authority() -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "an authority of a test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key can be made");
    let certificate = params.self_signed(&key).expect("the parameters are right");
    (Issuer::new(params, key), certificate.pem())
}

fn server(authority: &Issuer<'static, KeyPair>) -> (String, String) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("these are names");
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().expect("a key can be made");
    let certificate = params
        .signed_by(&key, authority)
        .expect("the parameters are right");
    (certificate.pem(), key.serialize_pem())
}

/// Whole or not at all: who reads meanwhile finds the old text or the new one.
fn write(path: &Path, text: &str, mode: u32) {
    let partial = path.with_extension("partial");
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&partial)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&partial, path));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
