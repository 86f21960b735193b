//! Rows into one file of a person's choice, in the form that its ending names.
//!
//! The file is written in a private folder beside its place and moved there once it is whole.
//! Only its owner may read it: it holds patients' data.

use std::io;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::buffered::BufWriter;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use crate::parquet_file::ParquetFile;
use crate::{LakeError, Objects};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsForm {
    Parquet,
    Csv,
    JsonLines,
}

impl RowsForm {
    /// By a file's ending; nothing where it names no form.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// A file of rows that is being written; where it is dropped, nothing is left of it.
pub struct RowsFile {
    place: Place,
    schema: SchemaRef,
    writer: Writer,
}

enum Writer {
    Parquet(Box<ParquetFile>),
    Text {
        form: TextForm,
        out: Box<BufWriter>,
        is_begun: bool,
    },
}

#[derive(Clone, Copy)]
enum TextForm {
    Csv,
    JsonLines,
}

/// A whole file that is not yet in its place.
pub struct WrittenRows {
    place: Place,
}

/// Where a file stands until it is whole, and where it is wanted.
struct Place {
    folder: TempDir,
    objects: Objects,
    key: String,
    /// None: nowhere; it is read again and goes.
    to: Option<PathBuf>,
}

impl RowsFile {
    /// A file that is wanted at that path.
    pub fn create(to: &Path, form: RowsForm, schema: SchemaRef) -> Result<Self, LakeError> {
        let parent = match to.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        let folder = builder.prefix(".lazaret-").tempdir_in(parent);
        let folder = folder.map_err(LakeError::local("write beside", to))?;
        Self::within(folder, Some(to.to_owned()), form, schema)
    }

    /// A Parquet file that is only read again.
    pub fn temporary(schema: SchemaRef) -> Result<Self, LakeError> {
        let folder = tempfile::tempdir();
        let folder = folder.map_err(LakeError::local("write into", &std::env::temp_dir()))?;
        Self::within(folder, None, RowsForm::Parquet, schema)
    }

    fn within(
        folder: TempDir,
        to: Option<PathBuf>,
        form: RowsForm,
        schema: SchemaRef,
    ) -> Result<Self, LakeError> {
        let objects = Objects::connect(&folder.path().to_string_lossy())?;
        let key = match form {
            RowsForm::Parquet => "rows.parquet",
            RowsForm::Csv => "rows.csv",
            RowsForm::JsonLines => "rows.jsonl",
        };
        let key = key.to_owned();
        let text = |form| Writer::Text {
            form,
            out: Box::new(objects.writer(&key)),
            is_begun: false,
        };
        let writer = match form {
            RowsForm::Parquet => {
                let file = ParquetFile::create(&objects, key.clone(), schema.clone())?;
                Writer::Parquet(Box::new(file))
            }
            RowsForm::Csv => text(TextForm::Csv),
            RowsForm::JsonLines => text(TextForm::JsonLines),
        };
        let place = Place {
            folder,
            objects,
            key,
            to,
        };
        Ok(Self {
            place,
            schema,
            writer,
        })
    }

    pub async fn write(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        match &mut self.writer {
            Writer::Parquet(file) => file.write(rows).await,
            Writer::Text {
                form,
                out,
                is_begun,
            } => {
                let text = form.encode(rows, !*is_begun)?;
                *is_begun = true;
                let put = out.put(Bytes::from(text)).await;
                put.map_err(LakeError::object("write", &self.place.key))
            }
        }
    }

    /// Writes what still waits; the file is whole then.
    pub async fn close(mut self) -> Result<WrittenRows, LakeError> {
        if let Writer::Text {
            is_begun: false, ..
        } = self.writer
        {
            let nothing = RecordBatch::new_empty(self.schema.clone());
            self.write(&nothing).await?;
        }
        match self.writer {
            Writer::Parquet(file) => {
                file.close().await?;
            }
            Writer::Text { mut out, .. } => {
                let end = out.shutdown().await;
                end.map_err(LakeError::local("write", Path::new(&self.place.key)))?;
            }
        }
        Ok(WrittenRows { place: self.place })
    }
}

impl TextForm {
    fn encode(self, rows: &RecordBatch, is_first: bool) -> Result<Vec<u8>, LakeError> {
        let mut text = Vec::new();
        let encoded = match self {
            Self::Csv => {
                let builder = arrow_csv::WriterBuilder::new().with_header(is_first);
                builder.build(&mut text).write(rows)
            }
            Self::JsonLines => {
                let builder = arrow_json::WriterBuilder::new().with_explicit_nulls(true);
                let mut lines = builder.build::<_, arrow_json::writer::LineDelimited>(&mut text);
                lines.write(rows).and_then(|()| lines.finish())
            }
        };
        encoded.map_err(LakeError::arrow("writing rows as text"))?;
        Ok(text)
    }
}

impl WrittenRows {
    /// Where it can be read now.
    pub(crate) fn objects(&self) -> (&Objects, &str) {
        (&self.place.objects, &self.place.key)
    }

    /// Moves it to where it is wanted, over what stands there.
    pub fn publish(self) -> Result<(), LakeError> {
        let Some(to) = &self.place.to else {
            return Ok(());
        };
        let written = self.place.folder.path().join(&self.place.key);
        keep_private(&written)
            .and_then(|()| std::fs::rename(&written, to))
            .map_err(LakeError::local("write", to))
    }
}

#[cfg(unix)]
fn keep_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn keep_private(_: &Path) -> io::Result<()> {
    Ok(())
}
