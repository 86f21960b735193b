use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use contract::hex;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::{Path, PathPart};
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use url::Url;

use crate::LakeError;

/// How much of an object is fetched at a time; two fetches overlap.
const READ_BYTES: u64 = 8 * 1024 * 1024;
const READS_AHEAD: usize = 2;

/// One place for objects: a folder, or an S3 bucket with an optional prefix.
///
/// Keys are relative to the place. The underlying store is rooted at the file system's or the
/// bucket's root, so that Delta and DataFusion, which work with whole URLs, see the same objects.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    base: Url,
    prefix: Path,
}

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub size_bytes: u64,
    pub etag: Option<String>,
    pub last_modified: DateTime<Utc>,
}

impl Objects {
    /// Connects to a folder (`./data`, `file:///srv/data`) or a bucket (`s3://bucket/prefix`).
    /// S3 credentials, region and endpoint come from the `AWS_*` environment.
    pub fn connect(location: &str) -> Result<Self, LakeError> {
        Self::connect_with(location, std::env::vars())
    }

    /// The same with an environment of the caller's.
    pub fn connect_with(
        location: &str,
        environment: impl IntoIterator<Item = (impl AsRef<str>, impl Into<String>)>,
    ) -> Result<Self, LakeError> {
        let refuse = |problem: String| LakeError::Location {
            location: location.to_owned(),
            problem,
        };
        if location.starts_with("s3://") {
            let base = Url::parse(location).map_err(|error| refuse(error.to_string()))?;
            let bucket = base
                .host_str()
                .ok_or_else(|| refuse("write s3://BUCKET/PREFIX".into()))?;
            let mut builder = AmazonS3Builder::new();
            for (name, value) in environment {
                let name = name.as_ref().to_ascii_lowercase();
                if let Some(key) = name
                    .starts_with("aws_")
                    .then(|| name.parse().ok())
                    .flatten()
                {
                    builder = builder.with_config(key, value);
                }
            }
            let store = builder
                .with_bucket_name(bucket)
                .build()
                .map_err(|error| refuse(error.to_string()))?;
            let prefix =
                Path::from_url_path(base.path()).map_err(|error| refuse(error.to_string()))?;
            return Ok(Self {
                store: Arc::new(store),
                base: with_slash(base),
                prefix,
            });
        }
        let folder = match Url::parse(location) {
            Ok(url) if url.scheme() == "file" => url
                .to_file_path()
                .map_err(|()| refuse("write file:///absolute/path".into()))?,
            Ok(url) if location.contains("://") => {
                return Err(refuse(format!(
                    "scheme `{}` is not supported; use a folder or s3://",
                    url.scheme()
                )));
            }
            _ => PathBuf::from(location),
        };
        Self::open_folder(folder).map_err(refuse)
    }

    fn open_folder(folder: PathBuf) -> Result<Self, String> {
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let folder = folder.canonicalize().map_err(|error| error.to_string())?;
        if folder.to_string_lossy().contains('%') {
            // The Delta kernel decodes URLs twice and would look for its log elsewhere.
            return Err(
                "its path holds a `%`, and Delta tables are lost under that: choose another folder"
                    .to_owned(),
            );
        }
        let base =
            Url::from_directory_path(&folder).map_err(|()| "not an absolute path".to_owned())?;
        let prefix = Path::from_absolute_path(&folder).map_err(|error| error.to_string())?;
        let store = LocalFileSystem::new();
        Ok(Self {
            store: Arc::new(store),
            base,
            prefix,
        })
    }

    /// The place's URL; it ends in `/`.
    pub fn url(&self) -> &Url {
        &self.base
    }

    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// The whole URL of a key or folder.
    pub(crate) fn url_of(&self, key: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{key}", self.base.path()));
        url
    }

    pub(crate) fn path_of(&self, key: &str) -> Path {
        let parts = self.prefix.parts();
        let mut path: Path = parts.collect();
        for part in key.split('/').filter(|part| !part.is_empty()) {
            // A key that a listing gave is encoded already; encoding it twice would miss the object.
            path = match PathPart::parse(part) {
                Ok(part) => path.join(part),
                Err(_) => path.join(part),
            };
        }
        path
    }

    fn key_of(&self, path: &Path) -> String {
        let relative = path
            .as_ref()
            .strip_prefix(self.prefix.as_ref())
            .unwrap_or(path.as_ref());
        relative.trim_start_matches('/').to_owned()
    }

    fn listed(&self, meta: ObjectMeta) -> Listed {
        Listed {
            key: self.key_of(&meta.location),
            size_bytes: meta.size,
            etag: self.version(meta.e_tag),
            last_modified: meta.last_modified,
        }
    }

    fn is_folder(&self) -> bool {
        self.base.scheme() == "file"
    }

    /// The folder, where the place is one.
    pub fn folder(&self) -> Option<PathBuf> {
        self.is_folder()
            .then(|| self.base.to_file_path().ok())
            .flatten()
    }

    /// What tells versions of an object apart. A folder's tag begins with the inode, which a
    /// copied or restored folder does not keep; time and size follow it.
    fn version(&self, etag: Option<String>) -> Option<String> {
        match etag {
            Some(etag) if self.is_folder() => {
                etag.split_once('-').map(|(_, version)| version.to_owned())
            }
            etag => etag,
        }
    }

    /// Everything under a folder, in no particular order; memory does not grow with the listing. A
    /// name that no key can be (a control character, bytes that are no UTF-8) is warned of and
    /// passed over.
    pub fn list(&self, folder: &str) -> BoxStream<'_, Result<Listed, LakeError>> {
        let shown = folder.to_owned();
        self.store
            .list(Some(&self.path_of(folder)))
            .filter_map(move |found| {
                let listed = match found {
                    Ok(meta) => Some(Ok(self.listed(meta))),
                    Err(object_store::Error::InvalidPath { source }) => {
                        tracing::warn!(%source, "an object's name cannot be used: rename it");
                        None
                    }
                    Err(source) => Some(Err(LakeError::object("list", &shown)(source))),
                };
                std::future::ready(listed)
            })
            .boxed()
    }

    /// Proves that the place is there and answers.
    pub async fn check(&self) -> Result<(), LakeError> {
        if let Some(folder) = self.folder() {
            let found = tokio::fs::read_dir(&folder).await.map(drop);
            return found.map_err(LakeError::local("look into", &folder));
        }
        self.list("bootstrap/").try_next().await.map(drop)
    }

    pub async fn head(&self, key: &str) -> Result<Option<Listed>, LakeError> {
        match self.store.head(&self.path_of(key)).await {
            Ok(meta) => Ok(Some(self.listed(meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(LakeError::object("look up", key)(source)),
        }
    }

    pub async fn get(&self, key: &str) -> Result<Bytes, LakeError> {
        let read = async { self.store.get(&self.path_of(key)).await?.bytes().await };
        read.await.map_err(LakeError::object("read", key))
    }

    pub async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Bytes, LakeError> {
        self.store
            .get_range(&self.path_of(key), offset..offset + length)
            .await
            .map_err(LakeError::object("read", key))
    }

    /// The object's bytes in order, fetched in large ranges that overlap in time. With an etag,
    /// a version other than that one is an error (`LakeError::is_changed`).
    pub fn read<'a>(
        &'a self,
        key: &'a str,
        size_bytes: u64,
        etag: Option<&'a str>,
    ) -> BoxStream<'a, Result<Bytes, LakeError>> {
        let path = self.path_of(key);
        let starts = (0..size_bytes).step_by(READ_BYTES as usize);
        stream::iter(starts)
            .map(move |start| {
                let range = start..size_bytes.min(start + READ_BYTES);
                let options = GetOptions {
                    range: Some(GetRange::Bounded(range)),
                    if_match: etag.map(str::to_owned),
                    ..GetOptions::default()
                };
                let path = path.clone();
                async move {
                    let read = async { self.store.get_opts(&path, options).await?.bytes().await };
                    read.await.map_err(LakeError::object("read", key))
                }
            })
            .buffered(READS_AHEAD)
            .boxed()
    }

    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), LakeError> {
        let put = self
            .store
            .put(&self.path_of(key), PutPayload::from(bytes))
            .await;
        put.map(drop).map_err(LakeError::object("write", key))
    }

    /// Writes the object unless one is there; `false` where one was.
    pub async fn create(&self, key: &str, bytes: Bytes) -> Result<bool, LakeError> {
        let options = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        match self
            .store
            .put_opts(&self.path_of(key), PutPayload::from(bytes), options)
            .await
        {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(source) => Err(LakeError::object("create", key)(source)),
        }
    }

    pub async fn delete(&self, key: &str) -> Result<(), LakeError> {
        match self.store.delete(&self.path_of(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(LakeError::object("delete", key)(source)),
        }
    }

    /// Deletes everything under a folder and says how many objects that were.
    pub async fn delete_folder(&self, folder: &str) -> Result<usize, LakeError> {
        let keys: Vec<String> = self
            .list(folder)
            .map_ok(|object| object.key)
            .try_collect()
            .await?;
        for key in &keys {
            self.delete(key).await?;
        }
        Ok(keys.len())
    }

    /// Copies an object in one pass, hashing it on the way; a copy that is already there is kept
    /// (it is immutable) and hashed instead. Returns SHA-256 (hex) and size.
    pub async fn copy_hashed(
        &self,
        from: &str,
        size_bytes: u64,
        etag: Option<&str>,
        to: &str,
    ) -> Result<(String, u64), LakeError> {
        if let Some(kept) = self.head(to).await? {
            return self.hash(to, kept.size_bytes).await;
        }
        // S3 compares the version at every read; a folder knows no such condition.
        let condition = etag.filter(|_| !self.is_folder());
        if self.is_folder() && etag.is_some() {
            self.require_version(from, etag).await?;
        }
        let mut digest = Sha256::new();
        let mut size = 0;
        let mut writer = self.writer(to);
        let mut chunks = self.read(from, size_bytes, condition);
        while let Some(chunk) = chunks.try_next().await? {
            digest.update(&chunk);
            size += chunk.len() as u64;
            writer
                .put(chunk)
                .await
                .map_err(LakeError::object("write", to))?;
        }
        writer.shutdown().await.map_err(|error| {
            LakeError::object("write", to)(object_store::Error::Generic {
                store: "writer",
                source: Box::new(error),
            })
        })?;
        Ok((hex(&digest.finalize()), size))
    }

    async fn require_version(&self, key: &str, etag: Option<&str>) -> Result<(), LakeError> {
        let refuse = LakeError::object("read", key);
        let path = key.to_owned();
        match self.head(key).await? {
            Some(now) if now.etag.as_deref() == etag => Ok(()),
            Some(_) => Err(refuse(object_store::Error::Precondition {
                path,
                source: "the file has changed".into(),
            })),
            None => Err(refuse(object_store::Error::NotFound {
                path,
                source: "the file is gone".into(),
            })),
        }
    }

    /// SHA-256 (hex) and size of an object.
    pub async fn hash(&self, key: &str, size_bytes: u64) -> Result<(String, u64), LakeError> {
        let mut digest = Sha256::new();
        let mut chunks = self.read(key, size_bytes, None);
        while let Some(chunk) = chunks.try_next().await? {
            digest.update(&chunk);
        }
        Ok((hex(&digest.finalize()), size_bytes))
    }

    /// A streaming writer: nothing is visible under the key until it is shut down.
    pub(crate) fn writer(&self, key: &str) -> BufWriter {
        BufWriter::new(self.store(), self.path_of(key))
    }
}

fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}
