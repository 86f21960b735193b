use std::fmt::Write as _;

use crate::{Column, ColumnType, Contract, Severity};

pub(super) fn write(contract: &Contract) -> String {
    let table = format!("{}_v{}", contract.layout.file_type, contract.layout.version);
    let mut lines: Vec<String> = contract.columns.iter().map(definition).collect();
    if contract.unique >= Some(Severity::Reject) {
        lines.push(format!(
            "    PRIMARY KEY ({})",
            contract.natural_key.join(", ")
        ));
    }
    let mut text = format!("CREATE TABLE {table} (\n{}\n);\n\n", lines.join(",\n"));
    let mut comment = |on: String, about: &str| {
        writeln!(text, "COMMENT ON {on} IS {};", literal(about))
            .expect("writing to a string cannot fail");
    };
    comment(
        format!("TABLE {table}"),
        &format!("{} ({})", contract.title, contract.layout),
    );
    for column in contract
        .columns
        .iter()
        .filter(|column| !column.description.is_empty())
    {
        comment(
            format!("COLUMN {table}.{}", column.name),
            &column.description,
        );
    }
    text
}

/// Only what holds for every stored row becomes a constraint: checks that warn do not.
fn definition(column: &Column) -> String {
    let name = &column.name;
    let sql_type = match &column.column_type {
        ColumnType::String => match column.length {
            // Of a value that the domain maps, the length is not that of its code.
            Some(length) if length.max < usize::MAX && holds(column) && column.domain.is_none() => {
                format!("varchar({})", length.max)
            }
            _ => "text".to_owned(),
        },
        ColumnType::Integer => "bigint".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("numeric({precision}, {scale})"),
        ColumnType::Date { .. } => "date".to_owned(),
        ColumnType::Timestamp { zoned: false, .. } => "timestamp".to_owned(),
        ColumnType::Timestamp { zoned: true, .. } => "timestamptz".to_owned(),
        ColumnType::Boolean { .. } => "boolean".to_owned(),
    };
    let mut text = format!("    {name} {sql_type}");
    if !holds(column) {
        return text;
    }
    if column.required {
        text.push_str(" NOT NULL");
    }
    let mut conditions = Vec::new();
    if let Some(range) = &column.range {
        let quote = |bound: &String| match column.column_type {
            ColumnType::Integer | ColumnType::Decimal { .. } => bound.clone(),
            _ => literal(bound),
        };
        conditions.extend(
            range
                .min
                .iter()
                .map(|min| format!("{name} >= {}", quote(min))),
        );
        conditions.extend(
            range
                .max
                .iter()
                .map(|max| format!("{name} <= {}", quote(max))),
        );
    }
    if let Some(domain) = &column.domain {
        let mut codes: Vec<String> = domain.values.values().map(|code| literal(code)).collect();
        codes.sort_unstable();
        codes.dedup();
        conditions.push(format!("{name} IN ({})", codes.join(", ")));
    }
    if !conditions.is_empty() {
        write!(text, " CHECK ({})", conditions.join(" AND "))
            .expect("writing to a string cannot fail");
    }
    text
}

fn holds(column: &Column) -> bool {
    column.severity >= Severity::Reject
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
