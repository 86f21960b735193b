//! A synthetic file of claim lines of forty columns, with what real ones have: patterns, code
//! lists, lengths, two date formats, empty fields, some quoted. No patient is behind it.

use std::fmt::Write;

use contract::{Column, ColumnType, Contract, Domain, FileFormat, Length, Range};

/// One row in this many has quoted fields with delimiters, quotes and line ends in them.
const QUOTED_ROW_EVERY: u64 = 100;
/// One row in this many holds a value that is not of its type.
const BAD_ROW_EVERY: u64 = 500;

const STATES: [&str; 12] = [
    "AK", "CA", "CO", "IA", "ME", "MN", "NY", "OR", "TX", "UT", "WA", "WI",
];
const PLACES: [&str; 8] = ["11", "12", "21", "22", "23", "31", "41", "81"];

/// Bytes of about that many, the same ones at every call.
pub(crate) fn generate(bytes: usize) -> Vec<u8> {
    let columns = columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut file = names.join(",") + "\n";
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut row = 0;
    while file.len() < bytes {
        row += 1;
        let fields = claim(row, &mut random);
        debug_assert_eq!(fields.len(), names.len());
        file += &fields.join(",");
        file.push('\n');
    }
    file.into_bytes()
}

fn claim(row: u64, random: &mut Random) -> Vec<String> {
    let quoted = row.is_multiple_of(QUOTED_ROW_EVERY);
    let from = day(random, false);
    let inpatient = random.below(3) == 0;
    let maybe = |random: &mut Random, one_in: u64, value: String| {
        if random.below(one_in) == 0 {
            value
        } else {
            String::new()
        }
    };
    let mut fields = vec![
        format!("C{:014}", row / 3),
        (row % 3 + 1).to_string(),
        format!("{:010}", random.below(9_000_000_000)),
        format!("19{}", &day(random, false)[2..]),
        ["F", "M", "U"][random.below(3) as usize].to_owned(),
        format!("{:05}", random.below(99_999)),
        STATES[random.below(12) as usize].to_owned(),
        from.clone(),
        from,
    ];
    for _ in 0..2 {
        let date = day(random, true);
        fields.push(if inpatient { date } else { String::new() });
    }
    for name in ["Hill Family Clinic", "St Mary's Hospital"] {
        fields.push(format!("1{:09}", random.below(999_999_999)));
        fields.push(if quoted {
            format!("\"{name}, \"\"North\"\"\"")
        } else {
            name.to_owned()
        });
    }
    fields.extend([
        PLACES[random.below(8) as usize].to_owned(),
        format!("{}", 111 + random.below(700)),
        format!("{:04}", random.below(1000)),
    ]);
    for place in 0..8u64 {
        let code = diagnosis(random);
        fields.push(if place == 0 {
            code
        } else {
            maybe(random, place + 1, code)
        });
    }
    fields.push(format!("{:05}", random.below(99_999)));
    for one_in in [4, 20] {
        let modifier = format!("{}", 22 + random.below(70));
        fields.push(maybe(random, one_in, modifier));
    }
    fields.extend(settlement(row, random));
    fields.push(if quoted {
        "\"resubmitted,\nsee notes\"".to_owned()
    } else {
        maybe(random, 5, "paid at the contracted rate".to_owned())
    });
    fields
}

/// Units, amounts, when and how it was settled.
fn settlement(row: u64, random: &mut Random) -> Vec<String> {
    let charged = random.below(5_000_000);
    let mut fields = Vec::new();
    fields.push((1 + random.below(30)).to_string());
    let bad = row.is_multiple_of(BAD_ROW_EVERY);
    fields.push(if bad {
        "12.5O".to_owned()
    } else {
        cents(charged)
    });
    fields.extend([cents(charged * 8 / 10), cents(charged * 7 / 10)]);
    fields.extend([cents(random.below(5000)), cents(0), cents(charged / 20)]);
    fields.extend([
        format!(
            "{}T{:02}:30:{:02}",
            day(random, false),
            random.below(24),
            random.below(60)
        ),
        ["P", "D", "A"][random.below(3) as usize].to_owned(),
        ["Y", "N"][random.below(2) as usize].to_owned(),
    ]);
    fields
}

fn day(random: &mut Random, american: bool) -> String {
    let (year, month) = (random.below(24), 1 + random.below(12));
    let day = 1 + random.below(28);
    if american {
        format!("{month:02}/{day:02}/20{year:02}")
    } else {
        format!("20{year:02}-{month:02}-{day:02}")
    }
}

fn diagnosis(random: &mut Random) -> String {
    let chapter = char::from(b'A' + random.below(20) as u8);
    let mut code = format!("{chapter}{:02}", random.below(100));
    for _ in 0..random.below(4) {
        write!(code, "{}", random.below(10)).expect("written to memory");
    }
    code
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
    let layout = "throughput@v1".parse().expect("a layout id");
    Contract::new(layout, FileFormat::default(), columns())
}

fn columns() -> Vec<Column> {
    let mut columns = vec![
        pattern("claim_id", "^C[0-9]{14}$"),
        integer("line_number", "1", "999"),
        pattern("member_id", "^[0-9]{10}$"),
        date("birth_date"),
        domain("sex", &["F", "M", "U"]),
        pattern("zip", "[0-9]{5}"),
        domain("state", &STATES),
        date("from_date"),
        date("thru_date"),
        date("admission_date"),
        date("discharge_date"),
        pattern("provider_npi", "^[0-9]{10}$"),
        text("provider_name", 60),
        pattern("facility_npi", "^[0-9]{10}$"),
        text("facility_name", 60),
        domain("place_of_service", &PLACES),
        pattern("bill_type", "[0-9]{3}[A-Z0-9]?"),
        pattern("revenue_code", "[0-9]{4}"),
    ];
    for place in 1..=8 {
        let icd = "[A-TV-Z][0-9][0-9AB](\\.?[0-9A-TV-Z]{1,4})?";
        columns.push(pattern(&format!("diagnosis_{place}"), icd));
    }
    columns.extend([
        pattern("procedure_code", "[A-Z0-9]{5}"),
        pattern("modifier_1", "[A-Z0-9]{2}"),
        pattern("modifier_2", "[A-Z0-9]{2}"),
        integer("units", "0", "9999"),
    ]);
    for name in [
        "charged",
        "allowed",
        "paid",
        "copay",
        "coinsurance",
        "deductible",
    ] {
        columns.push(money(name));
    }
    let yes_or_no = ColumnType::Boolean {
        truthy: owned(&["Y"]),
        falsy: owned(&["N"]),
    };
    let to_the_second = ColumnType::Timestamp {
        formats: owned(&["%Y-%m-%dT%H:%M:%S"]),
        zoned: false,
    };
    columns.extend([
        column("adjudicated_at", to_the_second),
        domain("status", &["P", "D", "A"]),
        column("in_network", yes_or_no),
        text("remark", 100),
    ]);
    columns
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|item| (*item).to_owned()).collect()
}

fn column(name: &str, column_type: ColumnType) -> Column {
    Column::new(name, column_type)
}

fn pattern(name: &str, pattern: &str) -> Column {
    let mut column = column(name, ColumnType::String);
    column.pattern = Some(pattern.to_owned());
    column
}

fn text(name: &str, max: usize) -> Column {
    let mut column = column(name, ColumnType::String);
    column.length = Some(Length { min: 0, max });
    column
}

fn domain(name: &str, codes: &[&str]) -> Column {
    let mut column = column(name, ColumnType::String);
    let pairs = codes
        .iter()
        .map(|code| ((*code).to_owned(), (*code).to_owned()));
    column.domain = Some(Domain {
        values: pairs.collect(),
    });
    column
}

fn range(mut column: Column, min: &str, max: &str) -> Column {
    column.range = Some(Range {
        min: Some(min.to_owned()),
        max: Some(max.to_owned()),
    });
    column
}

fn integer(name: &str, min: &str, max: &str) -> Column {
    range(column(name, ColumnType::Integer), min, max)
}

fn money(name: &str) -> Column {
    let decimal = ColumnType::Decimal {
        precision: 12,
        scale: 2,
    };
    range(column(name, decimal), "0", "1000000")
}

fn date(name: &str) -> Column {
    let date = ColumnType::Date {
        formats: owned(&["%Y-%m-%d", "%m/%d/%Y"]),
    };
    range(column(name, date), "1900-01-01", "2100-01-01")
}
