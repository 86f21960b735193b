//! A synthetic file of claim lines: no patient is behind it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use contract::{Column, ColumnType, Contract, FileFormat};

/// One row in this many holds a value that is not of its type.
const BAD_ROW_EVERY: u64 = 200;

/// Column name, our type, DuckDB's type.
pub(crate) const COLUMNS: [(&str, Kind, &str); 16] = [
    ("claim_id", Kind::Text, "VARCHAR"),
    ("line_number", Kind::Integer, "BIGINT"),
    ("member_id", Kind::Text, "VARCHAR"),
    ("birth_date", Kind::Date, "DATE"),
    ("sex", Kind::Text, "VARCHAR"),
    ("zip", Kind::Text, "VARCHAR"),
    ("from_date", Kind::Date, "DATE"),
    ("thru_date", Kind::Date, "DATE"),
    ("provider_npi", Kind::Text, "VARCHAR"),
    ("provider_name", Kind::Text, "VARCHAR"),
    ("diagnosis_1", Kind::Text, "VARCHAR"),
    ("diagnosis_2", Kind::Text, "VARCHAR"),
    ("procedure_code", Kind::Text, "VARCHAR"),
    ("units", Kind::Integer, "BIGINT"),
    ("charged", Kind::Money, "DECIMAL(12,2)"),
    ("paid", Kind::Money, "DECIMAL(12,2)"),
];

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Integer,
    Date,
    Money,
}

/// Writes rows until the file has about that many bytes; the same ones at every call.
pub(crate) fn generate(path: &Path, bytes: usize) -> u64 {
    let mut out = BufWriter::new(File::create(path).expect("the file can be made"));
    let header: Vec<&str> = COLUMNS.iter().map(|(name, _, _)| *name).collect();
    let mut written = 0;
    let mut write = |line: String| {
        written += line.len() as u64;
        out.write_all(line.as_bytes())
            .expect("the file can be written");
    };
    write(header.join(",") + "\n");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut row = 0;
    let mut total = 0;
    while total < bytes {
        row += 1;
        let line = claim(row, &mut random);
        total += line.len();
        write(line);
    }
    out.flush().expect("the file can be written");
    written
}

fn claim(row: u64, random: &mut Random) -> String {
    let day = |random: &mut Random| {
        format!(
            "20{:02}-{:02}-{:02}",
            random.below(24),
            1 + random.below(12),
            1 + random.below(28)
        )
    };
    let from = day(random);
    let charged = random.below(5_000_000);
    let paid = if row.is_multiple_of(BAD_ROW_EVERY) {
        "12,5O".replace(',', ".")
    } else {
        cents(charged * 7 / 10)
    };
    let middle_name = if random.below(8) == 0 {
        "\"Hill, North\""
    } else {
        "Hill"
    };
    format!(
        "C{:014},{},M{:09},19{:02}-{:02}-{:02},{},{:05},{from},{from},1{:09},{middle_name},{},{},{:05},{},{},{paid}\n",
        row / 3,
        row % 3 + 1,
        random.below(900_000_000),
        random.below(100),
        1 + random.below(12),
        1 + random.below(28),
        ["F", "M", "U"][random.below(3) as usize],
        random.below(99_999),
        random.below(999_999_999),
        diagnosis(random),
        if random.below(2) == 0 {
            String::new()
        } else {
            diagnosis(random)
        },
        random.below(99_999),
        1 + random.below(30),
        cents(charged),
    )
}

fn diagnosis(random: &mut Random) -> String {
    let chapter = char::from(b'A' + random.below(26) as u8);
    format!("{chapter}{:02}{}", random.below(100), random.below(10))
}

fn cents(amount: u64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The contract of that file.
pub(crate) fn contract() -> Contract {
    let column = |(name, kind, _): &(&str, Kind, &str)| {
        let column_type = match kind {
            Kind::Text => ColumnType::String,
            Kind::Integer => ColumnType::Integer,
            Kind::Date => ColumnType::Date {
                formats: vec!["%Y-%m-%d".to_owned()],
            },
            Kind::Money => ColumnType::Decimal {
                precision: 12,
                scale: 2,
            },
        };
        Column {
            trim: false,
            ..Column::new(name, column_type)
        }
    };
    let layout = "claim_line@v1".parse().expect("a layout id");
    let columns = COLUMNS.iter().map(column).collect();
    Contract::new(layout, FileFormat::default(), columns)
}
