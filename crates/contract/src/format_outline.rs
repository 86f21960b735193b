//! A file's format in one line, for `contract show`.

use crate::{Control, ControlRecord, Delimited, FieldPlace, FileFormat, FixedWidth, Header, Shape};

/// `delimited by ",", quote "\"", header by name; utf-8; 2 lines skipped; …`
pub(crate) fn format(format: &FileFormat) -> String {
    let mut parts = vec![
        shape(&format.shape),
        format!("encoding {}", format.encoding.as_str()),
    ];
    if format.skip_lines > 0 {
        parts.push(format!("{} first lines skipped", format.skip_lines));
    }
    if format.skip_footer_lines > 0 {
        parts.push(format!("{} last records skipped", format.skip_footer_lines));
    }
    if let Some(comment) = &format.comment {
        parts.push(format!("comments begin with {comment:?}"));
    }
    if let Some(control) = &format.control {
        parts.push(control_records(control));
    }
    parts.join("; ")
}

fn shape(shape: &Shape) -> String {
    match shape {
        Shape::Delimited(delimited) => of_delimited(delimited),
        Shape::FixedWidth(FixedWidth {
            record_length: None,
        }) => "fixed width, a record a line".to_owned(),
        Shape::FixedWidth(FixedWidth {
            record_length: Some(length),
        }) => format!("fixed width, records of {length} characters"),
        Shape::JsonLines => "JSON, an object a line".to_owned(),
        Shape::JsonArray => "JSON, an array of objects".to_owned(),
    }
}

fn of_delimited(delimited: &Delimited) -> String {
    let mut text = format!("delimited by {:?}", delimited.delimiter);
    if let Some(separator) = &delimited.record_separator {
        text += &format!(", records by {separator:?}");
    }
    text += &match delimited.quote {
        Some(quote) => format!(", quote {}", char::from(quote)),
        None => ", no quotes".to_owned(),
    };
    if let Some(escape) = delimited.escape {
        text += &format!(", escape {}", char::from(escape));
    }
    text += match delimited.header {
        Header::Absent => ", no header",
        Header::ByName => ", header by name",
        Header::ByPosition => ", header, columns by position",
    };
    if delimited.trailing_delimiter {
        text += ", a delimiter after the last field";
    }
    text
}

fn control_records(control: &Control) -> String {
    let records = [("header", &control.header), ("trailer", &control.trailer)];
    let mut said: Vec<String> = records
        .into_iter()
        .filter_map(|(kind, record)| Some(control_record(kind, record.as_ref()?)))
        .collect();
    if let Some(column) = &control.period_column {
        said.push(format!("{column} within the period"));
    }
    format!(
        "control {} ({})",
        said.join(", "),
        control.severity.as_str()
    )
}

fn control_record(kind: &str, record: &ControlRecord) -> String {
    let place = |place: &FieldPlace| match place {
        FieldPlace::Field(field) => format!("field {field}"),
        FieldPlace::Characters(of) => {
            format!("characters {} to {}", of.start, of.start + of.length - 1)
        }
    };
    let mut text = format!("{kind} {:?}", record.marker);
    if let Some(rows) = &record.row_count {
        text += &format!(" with rows in {}", place(rows));
    }
    if let Some((from, to)) = &record.period {
        text += &format!(" with period in {} and {}", place(from), place(to));
    }
    for (column, total) in &record.totals {
        text += &format!(" with the sum of {column} in {}", place(total));
    }
    text
}
