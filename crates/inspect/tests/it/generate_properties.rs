//! Any contract has a twin that an inspection reads as it was told, or is refused by its maker.

use contract::{
    Characters, Column, ColumnType, Contract, Delimited, Encoding, FileFormat, FixedWidth, Header,
    Severity, Shape, Transform, ValueCheck,
};
use inspect::TwinError;
use proptest::prelude::*;

use crate::generate::{generate, inspect_as_told};
use crate::reading::{With, column, contract, date, text};

fn text_column() -> impl Strategy<Value = Column> {
    let checks = prop_oneof![
        Just(ValueCheck::Npi),
        Just(ValueCheck::NzNhi),
        Just(ValueCheck::Luhn),
        Just(ValueCheck::Isbn),
        Just(ValueCheck::Icd10cm),
        Just(ValueCheck::Icd10pcs),
        Just(ValueCheck::Icd9cm),
        Just(ValueCheck::Hcpcs),
        Just(ValueCheck::Ndc),
    ];
    prop_oneof![
        Just(text("c")),
        (1usize..6, 6usize..50).prop_map(|(min, max)| text("c").length(min, max)),
        "[A-C]{1,2}(\\[0-9a-f\\]\\{1,3\\}|\\[XY\\]\\+|-\\?[a-z]\\*)"
            .prop_map(|p| text("c").pattern(&p)),
        checks.prop_map(|check| Column {
            check: Some(check),
            ..text("c")
        }),
        Just(text("c").domain(&[("A", "one"), ("B", "two"), ("Ä,\"", "one")])),
        Just(
            text("c")
                .transforms(&[Transform::Lowercase])
                .pattern("[0-9a-f]{6}")
        ),
        Just(
            text("c")
                .transforms(&[Transform::Uppercase, Transform::RemoveDots])
                .length(2, 5)
        ),
        Just(Column {
            zero_pad: Some(7),
            ..text("c").pattern("[0-9]{7}")
        }),
    ]
}

fn typed_column() -> impl Strategy<Value = Column> {
    let owned =
        |list: &[&str]| -> Vec<String> { list.iter().map(|one| (*one).to_owned()).collect() };
    let decimal = (3u8..12, 0u8..3, any::<bool>()).prop_map(|(precision, scale, implied)| Column {
        implied_decimals: implied,
        ..column("c", ColumnType::Decimal { precision, scale })
    });
    let integer = column("c", ColumnType::Integer);
    let moments = ["%Y-%m-%dT%H:%M:%S%.f", "%Y%m%d%H%M"];
    prop_oneof![
        Just(integer.clone()),
        (-50i32..50, 0i32..5000).prop_map(move |(low, more)| {
            let (low, high) = (low.to_string(), (low + more).to_string());
            integer.clone().range(Some(&low), Some(&high))
        }),
        decimal,
        Just(date("c", &["%Y%m%d"])),
        Just(date("c", &["%m/%d/%Y", "%d-%b-%Y"]).range(Some("1950-02-01"), None)),
        Just(Column {
            sentinels: owned(&["9999-12-31"]),
            ..date("c", &["%Y-%m-%d"])
        }),
        Just(column(
            "c",
            ColumnType::Timestamp {
                formats: owned(&moments),
                zoned: false
            }
        )),
        Just(column(
            "c",
            ColumnType::Timestamp {
                formats: owned(&["%+"]),
                zoned: true
            }
        )),
        Just(Column {
            zone: Some("Pacific/Auckland".to_owned()),
            ..column(
                "c",
                ColumnType::Timestamp {
                    formats: owned(&moments),
                    zoned: true
                }
            )
        }),
        Just(column(
            "c",
            ColumnType::Boolean {
                truthy: owned(&["Y", "yes"]),
                falsy: owned(&["N", "no"])
            }
        )),
    ]
}

fn any_column() -> impl Strategy<Value = Column> {
    let severity = prop_oneof![
        4 => Just(Severity::Reject), 1 => Just(Severity::Warn), 1 => Just(Severity::Fail)
    ];
    let nulls = prop_oneof![Just(&[][..]), Just(&["~", "NA"][..])];
    (
        prop_oneof![text_column(), typed_column()],
        any::<bool>(),
        severity,
        nulls,
    )
        .prop_map(|(column, required, severity, nulls)| {
            let column = Column {
                required,
                severity,
                ..column
            };
            column.nulls(nulls)
        })
}

fn any_delimited() -> impl Strategy<Value = Delimited> {
    (
        prop_oneof![Just(","), Just("|"), Just("\t"), Just("|^^|")],
        prop_oneof![3 => Just(None), 1 => Just(Some("|~|")), 1 => Just(Some("\r"))],
        prop_oneof![4 => Just(Some(b'"')), 1 => Just(Some(b'\'')), 1 => Just(None)],
        prop_oneof![3 => Just(None), 1 => Just(Some(b'\\'))],
        prop_oneof![
            Just(Header::ByName),
            Just(Header::ByPosition),
            Just(Header::Absent)
        ],
        any::<bool>(),
    )
        .prop_map(
            |(delimiter, separator, quote, escape, header, trailing_delimiter)| Delimited {
                delimiter: delimiter.to_owned(),
                record_separator: separator.map(str::to_owned),
                quote,
                escape: escape.filter(|_| quote.is_some()),
                header,
                trailing_delimiter,
            },
        )
}

fn any_format() -> impl Strategy<Value = FileFormat> {
    let shape = prop_oneof![
        4 => any_delimited().prop_map(Shape::Delimited),
        2 => Just(Shape::FixedWidth(FixedWidth::default())),
        1 => Just(Shape::FixedWidth(FixedWidth { record_length: Some(400) })),
        1 => Just(Shape::JsonLines),
        1 => Just(Shape::JsonArray),
    ];
    let encoding = prop_oneof![
        3 => Just(Encoding::Utf8),
        1 => Just(Encoding::Latin1),
        1 => Just(Encoding::Windows1252),
        1 => Just(Encoding::Utf16),
        1 => Just(Encoding::Utf16Le),
        1 => Just(Encoding::Utf16Be),
        1 => Just(Encoding::Auto),
    ];
    let comment = prop_oneof![2 => Just(None), 1 => Just(Some("#")), 1 => Just(Some("C"))];
    (shape, encoding, 0usize..3, 0usize..3, comment).prop_map(
        |(shape, encoding, skip_lines, skip_footer_lines, comment)| FileFormat {
            shape,
            encoding,
            skip_lines,
            skip_footer_lines,
            comment: comment.map(str::to_owned),
            control: None,
        },
    )
}

fn any_contract() -> impl Strategy<Value = Contract> {
    let columns = prop::collection::vec((any_column(), 1usize..30), 1..7);
    let unique = prop_oneof![
        Just(None),
        Just(Some(Severity::Reject)),
        Just(Some(Severity::Fail))
    ];
    (columns, any_format(), unique, 0usize..3).prop_map(|(columns, format, unique, keys)| {
        let mut start = 1;
        let fixed = matches!(format.shape, Shape::FixedWidth(_));
        let columns = columns
            .into_iter()
            .enumerate()
            .map(|(at, (column, length))| {
                let name = format!("column_{at}");
                let place = fixed.then_some(Characters { start, length });
                start += length;
                Column {
                    header: name.clone(),
                    name,
                    place,
                    ..column
                }
            });
        let columns: Vec<Column> = columns.collect();
        let natural_key = columns
            .iter()
            .take(keys)
            .map(|one| one.name.clone())
            .collect();
        Contract {
            format,
            natural_key,
            unique,
            ..contract(columns)
        }
    })
}

proptest! {
    #[test]
    fn an_inspection_finds_what_was_told(
        contract in any_contract(), rows in 1u64..120, share in 0u64..40, seed in any::<u64>(),
    ) {
        let defects = format!("all={}", rows.saturating_sub(1) * share / 40);
        match generate(&contract, rows, &defects, seed) {
            Ok((bytes, told)) => {
                let outcome = inspect_as_told(&contract, &bytes, rows, &told);
                prop_assert_eq!(outcome, Ok(()), "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(1500)]));
            }
            // The contract asks for what no file can be, or its key has no room. Where that were
            // most contracts, proptest would fail for want of cases.
            Err(TwinError::Plan(_) | TwinError::NoValue { .. } | TwinError::KeyRoom { .. }
                | TwinError::Layout { .. }) => return Err(TestCaseError::reject("no twin")),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
