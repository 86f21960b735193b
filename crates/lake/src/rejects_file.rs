//! Rejected rows with their text and reasons into one file of a person's choice: as in
//! quarantine, without the submission that there is none of.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use inspect::Reject;

use crate::quarantine::{BATCH_ROWS, Builder, schema};
use crate::rows_file::{RowsFile, RowsForm, WrittenRows};
use crate::{LakeError, quarantine::read_reasons};

const SUBMISSION: usize = 0;
const REASONS: usize = 4;

/// A file of rejects that is being written.
pub struct RejectsFile {
    file: RowsFile,
    form: RowsForm,
    builder: Builder,
    schema: SchemaRef,
}

impl RejectsFile {
    pub fn create(to: &Path, form: RowsForm) -> Result<Self, LakeError> {
        let schema = file_schema(form);
        Ok(Self {
            file: RowsFile::create(to, form, schema.clone())?,
            form,
            builder: Builder::new(),
            schema,
        })
    }

    pub async fn write(&mut self, source_file: &str, rejects: &[Reject]) -> Result<(), LakeError> {
        for reject in rejects {
            self.builder.append("", source_file, reject);
            if self.builder.rows() >= BATCH_ROWS {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), LakeError> {
        let mut columns = self.builder.finish()?.columns().to_vec();
        columns.remove(SUBMISSION);
        if self.form == RowsForm::Csv {
            columns[REASONS] = in_words(&columns[REASONS]);
        }
        let rows = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(LakeError::arrow("building rejected rows"))?;
        self.file.write(&rows).await
    }

    pub async fn close(mut self) -> Result<WrittenRows, LakeError> {
        if self.builder.rows() > 0 {
            self.flush().await?;
        }
        self.file.close().await
    }
}

/// CSV knows no lists: there the reasons are words.
fn file_schema(form: RowsForm) -> SchemaRef {
    let mut fields = schema().fields().to_vec();
    fields.remove(SUBMISSION);
    if form == RowsForm::Csv {
        fields[REASONS] = Arc::new(Field::new("reasons", DataType::Utf8, false));
    }
    Arc::new(Schema::new(fields))
}

/// `paid: type (a decimal); field_count (31 fields)`.
fn in_words(reasons: &ArrayRef) -> ArrayRef {
    let reasons = reasons.as_list::<i32>();
    let mut words = StringBuilder::new();
    for row in 0..reasons.len() {
        let told = read_reasons(&reasons.value(row));
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        words.append_value(told.join("; "));
    }
    Arc::new(words.finish())
}
