//! Rows of one block and one month, column by column.

use arrow::array::RecordBatch;
use contract::AtomicMonth;

use super::Months;
use super::codebook::Codebooks;
use super::piece::Piece;
use super::shelf::Shelved;

#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) columns: Vec<Piece>,
    rows: usize,
    /// As Arrow: what they are as codes depends on what was read before.
    bytes: usize,
}

impl Shelved for Parcel {
    fn rows(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Parcel {
    /// A block's rows by month, in row order, months ascending.
    pub(super) fn split(
        batch: &RecordBatch,
        months: Months,
        books: &Codebooks,
    ) -> Vec<(AtomicMonth, Self)> {
        let bytes = batch.get_array_memory_size();
        let columns = books.code(batch);
        let of_month = |(month, rows)| {
            let parcel = match rows {
                None => Self {
                    columns: columns.clone(),
                    rows: batch.num_rows(),
                    bytes,
                },
                Some(rows) => Self {
                    columns: columns.iter().map(|piece| piece.gather(&rows)).collect(),
                    rows: rows.len(),
                    bytes: bytes * rows.len() / batch.num_rows(),
                },
            };
            (month, parcel)
        };
        months.rows(batch).into_iter().map(of_month).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, Date32Array, Decimal128Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use arrow::compute::concat_batches;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::encode::{ColumnTask, ParquetFile, ParquetSchema, RowGroup};

    /// One column of each type that has codes.
    fn batch(values: &[Option<i64>]) -> RecordBatch {
        let values = || values.iter().copied();
        let text = |value: i64| match value % 3 {
            0 => format!("{value}"),
            1 => format!("a text that is longer than its key: {value}"),
            _ => "é".repeat(value as usize % 9),
        };
        let texts = values().map(|value| value.map(text));
        let days = values().map(|value| value.map(|value| value as i32 - 50));
        let decimals = |by: i128| {
            let scaled = values().map(|value| value.map(|value| (i128::from(value) - 50) * by));
            scaled.collect::<Decimal128Array>()
        };
        let micros = values().map(|value| value.map(|value| value << 30));
        let columns: [(&str, ArrayRef); 6] = [
            ("text", Arc::new(texts.collect::<StringArray>())),
            ("date", Arc::new(days.collect::<Date32Array>())),
            (
                "small",
                Arc::new(decimals(1).with_precision_and_scale(9, 2).unwrap()),
            ),
            (
                "wide",
                Arc::new(decimals(1 << 32).with_precision_and_scale(18, 2).unwrap()),
            ),
            ("number", Arc::new(values().collect::<Int64Array>())),
            (
                "instant",
                Arc::new(
                    micros
                        .collect::<TimestampMicrosecondArray>()
                        .with_timezone("UTC"),
                ),
            ),
        ];
        let columns = columns.map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    fn file(schema: &ParquetSchema, rows: RowGroup) -> Vec<u8> {
        let mut file = ParquetFile::new(schema, Vec::new()).unwrap();
        let columns = rows.into_tasks().into_iter().map(ColumnTask::encode);
        file.append(columns.collect::<Result<_, _>>().unwrap())
            .unwrap();
        file.finish().unwrap()
    }

    fn plain(batch: &RecordBatch) -> Parcel {
        Parcel {
            columns: batch.columns().iter().cloned().map(Piece::Plain).collect(),
            rows: batch.num_rows(),
            bytes: 0,
        }
    }

    proptest! {
        #[test]
        fn codes_leave_no_trace_in_the_file(
            (spread, blocks) in prop_oneof![Just(4i64), Just(40), Just(1_000_000)].prop_flat_map(|spread| {
                let value = prop::option::weighted(0.8, 0..spread);
                (Just(spread), prop::collection::vec(prop::collection::vec(value, 1..200), 1..8))
            }),
            kinds in prop::collection::vec(0..3usize, 8),
        ) {
            let batches: Vec<RecordBatch> = blocks.iter().map(|block| batch(block)).collect();
            let schema = ParquetSchema::new(batches[0].schema()).unwrap();
            // Two books, and now and then none.
            let books = [Codebooks::new(&schema.arrow()), Codebooks::new(&schema.arrow())];
            let parcels = batches.iter().zip(kinds).map(|(batch, kind)| match books.get(kind) {
                None => plain(batch),
                Some(books) => {
                    let mut months = Parcel::split(batch, Months::Fixed(AtomicMonth::Unknown), books);
                    months.remove(0).1
                }
            });
            let written = file(&schema, RowGroup::of_parcels(&schema, parcels.collect()));
            prop_assert!(written == file(&schema, RowGroup::new(&schema, batches.clone())), "{spread}");
            let read = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(written)).unwrap();
            let read: Vec<RecordBatch> = read.build().unwrap().map(Result::unwrap).collect();
            let schema = batches[0].schema();
            let (read, rows) = (concat_batches(&schema, &read), concat_batches(&schema, &batches));
            prop_assert_eq!(read.unwrap(), rows.unwrap());
        }
    }
}
