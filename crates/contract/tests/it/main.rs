//! The documents as people write them: right ones become values, wrong ones a clear error.

mod diff;
mod exports;
mod good_documents;
mod written;
mod wrong_contracts;
mod wrong_documents;

use contract::{Contract, DocumentError};
use miette::{GraphicalReportHandler, GraphicalTheme};

const DRG: &str = "001\n002,heart transplant\n\n003\n";

/// Domain files that exist: `codes/drg.txt`, and `codes/wrong.txt` with mistakes.
fn read_file(path: &str) -> std::io::Result<String> {
    match path {
        "codes/drg.txt" => Ok(DRG.to_owned()),
        "codes/wrong.txt" => Ok("001\n002,\n001\n".to_owned()),
        "codes/empty.txt" => Ok("\n".to_owned()),
        _ => Err(std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "no such file",
        )),
    }
}

fn parse_contract(text: &str) -> Result<Contract, DocumentError> {
    Contract::parse("contracts/claim/v1.yaml", text, &read_file)
}

/// The error as a person sees it, without colour and at a fixed width.
fn shown<T: std::fmt::Debug>(result: Result<T, DocumentError>) -> String {
    let error = result.expect_err("the document is wrong");
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut text, &error)
        .expect("writing to a string cannot fail");
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}
