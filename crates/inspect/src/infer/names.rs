//! What names tell: of files, of columns, of people.

use std::collections::HashSet;

use contract::Pii;

use super::profile::Profile;

/// A name of a column for each header: snake case, each once.
pub(super) fn distinct(headers: &[String]) -> Vec<String> {
    let mut taken = HashSet::new();
    let lineage = contract::ROW_LINEAGE_COLUMNS;
    let mut names = Vec::with_capacity(headers.len());
    for header in headers {
        let base = snake_case(header);
        let mut name = base.clone();
        let mut count = 1;
        while lineage.contains(&name.as_str())
            || name == "atomic_month"
            || !taken.insert(name.clone())
        {
            count += 1;
            name = format!("{base}_{count}");
        }
        names.push(name);
    }
    names
}

/// `Claim ID` and `claimId` → `claim_id`.
fn snake_case(text: &str) -> String {
    let mut name = String::new();
    let mut before_lower = false;
    for c in text.trim().chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && before_lower {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
            before_lower = c.is_ascii_lowercase();
        } else {
            if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
            before_lower = false;
        }
    }
    let name = name.trim_end_matches('_');
    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.to_owned()
    } else {
        format!("c_{name}").trim_end_matches('_').to_owned()
    }
}

/// A file type from a file's name: its words without digits and ending.
pub(super) fn file_type(file_name: &str) -> String {
    let stem = file_name.split('.').next().unwrap_or(file_name);
    let words: String = stem
        .chars()
        .map(|c| if c.is_ascii_digit() { '_' } else { c })
        .collect();
    let name = snake_case(&words);
    let name = name.trim_matches('_');
    if name.len() < 2 {
        "drafted_file".to_owned()
    } else {
        name.to_owned()
    }
}

pub(super) fn title(file_name: &str) -> String {
    let words = file_type(file_name).replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The name with every run of digits made `*`.
pub(super) fn pattern(file_name: &str) -> String {
    let mut pattern = String::new();
    for c in file_name.chars() {
        match c {
            '0'..='9' if pattern.ends_with('*') => {}
            '0'..='9' | '{' | '}' => pattern.push('*'),
            other => pattern.push(other),
        }
    }
    pattern
}

pub(crate) fn is_birth_or_death(name: &str) -> bool {
    let words = ["birth", "dob", "death", "deceased", "dod"];
    words.iter().any(|word| name.contains(word))
}

/// Whether the values are names of something, not amounts of it.
pub(crate) fn is_identifier(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or(name);
    ["id", "key", "code", "cd", "zip", "npi", "ssn", "mrn"].contains(&last)
}

/// Words in a column's name that speak of a person, as 45 CFR 164.514(b)(2) lists them.
const DIRECT: [&str; 26] = [
    "ssn",
    "social_security",
    "first_name",
    "last_name",
    "middle_name",
    "firstname",
    "lastname",
    "surname",
    "given_name",
    "family_name",
    "full_name",
    "patient_name",
    "member_name",
    "maiden",
    "address",
    "street",
    "phone",
    "telephone",
    "fax",
    "email",
    "mrn",
    "medical_record",
    "passport",
    "drivers",
    "license",
    "nhi",
];
const DIRECT_IDS: [&str; 10] = [
    "member",
    "patient",
    "bene",
    "beneficiary",
    "subscriber",
    "person",
    "mbi",
    "hic",
    "desynpuf",
    "enrollee",
];
const QUASI: [&str; 16] = [
    "birth",
    "dob",
    "death",
    "dod",
    "zip",
    "postal",
    "postcode",
    "city",
    "county",
    "admit",
    "admsn",
    "discharge",
    "dschrg",
    "service_date",
    "lat",
    "lon",
];
const SENSITIVE: [&str; 18] = [
    "diag", "dgns", "icd", "proc", "hcpcs", "cpt", "drg", "ndc", "amt", "amount", "paid", "charge",
    "cost", "race", "ethnic", "gender", "sex", "income",
];

/// How far a column identifies a person, guessed from its name and the look of its values.
pub(super) fn pii(header: &str, profile: &Profile) -> Pii {
    let name = snake_case(header);
    let words: Vec<&str> = name.split('_').collect();
    let has = |list: &[&str]| {
        list.iter()
            .any(|word| words.contains(word) || (word.len() > 3 && name.contains(word)))
    };
    let is_id = words
        .iter()
        .any(|word| ["id", "num", "no", "number", "key", "cd"].contains(word));
    let is_name = words == ["first"] || words == ["last"];
    let names_a_person = has(&DIRECT_IDS) && (is_id || words.len() == 1);
    if has(&DIRECT) || is_name || names_a_person || profile.looks_like_contact() {
        Pii::Direct
    } else if has(&QUASI) {
        Pii::Quasi
    } else if has(&SENSITIVE) {
        Pii::Sensitive
    } else {
        Pii::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_names() {
        let headers = [
            "Claim ID",
            "claimId",
            "CLM_FROM_DT",
            "2nd",
            "source_file",
            "é",
            "",
        ];
        let headers = headers.map(str::to_owned);
        assert_eq!(
            distinct(&headers),
            [
                "claim_id",
                "claim_id_2",
                "clm_from_dt",
                "c_2nd",
                "source_file_2",
                "c",
                "c_2"
            ]
        );
    }

    #[test]
    fn file_names_become_types_and_patterns() {
        assert_eq!(file_type("claims_2024_03.csv.gz"), "claims");
        assert_eq!(file_type("2024.csv"), "drafted_file");
        assert_eq!(title("DE1_Inpatient.csv"), "De inpatient");
        assert_eq!(pattern("claims_2024_03.csv"), "claims_*_*.csv");
    }

    #[test]
    fn identifiers_are_no_amounts() {
        for (name, expect) in [
            ("bene_id", true),
            ("zip", true),
            ("paid", false),
            ("line_num", false),
        ] {
            assert_eq!(is_identifier(name), expect, "{name}");
        }
    }

    #[test]
    fn names_tell_of_people() {
        let check =
            |header: &str, expect| assert_eq!(pii(header, &Profile::default()), expect, "{header}");
        check("FIRST", Pii::Direct);
        check("Member ID", Pii::Direct);
        check("DESYNPUF_ID", Pii::Direct);
        check("BirthDate", Pii::Quasi);
        check("ZIP", Pii::Quasi);
        check("ICD9_DGNS_CD_1", Pii::Sensitive);
        check("paid_amount", Pii::Sensitive);
        check("claim_type", Pii::None);
        check("latency", Pii::None);
    }
}
