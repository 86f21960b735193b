//! One claim line: its text, where its fields begin, and the values that are summed up.

/// Fields in a row.
pub(crate) const COLUMNS: usize = 40;

/// 2025-01-01 in days since 1970-01-01.
const YEAR_BEGINS: i64 = 20_089;

const DAYS_BEFORE_MONTH: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// What is known about a row besides its text.
pub(crate) struct Claim {
    /// Where each field begins in the text; the next one's begin is behind its comma.
    pub(crate) starts: [u32; COLUMNS],
    /// 1 to 12.
    pub(crate) month: usize,
    pub(crate) paid_cents: u64,
    pub(crate) units: u64,
    pub(crate) from_days: i64,
    pub(crate) birth_days: i64,
    pub(crate) note_characters: u64,
    pub(crate) in_network: bool,
}

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    #[inline]
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(bound)) >> 64) as u64
    }

    #[inline]
    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.below(texts.len() as u64) as usize]
    }

    /// A code's number out of a pool: small ones come more often, as codes do.
    #[inline]
    fn pooled(&mut self, size: u64) -> u64 {
        let bound = 1 + self.below(size);
        self.below(bound)
    }
}

/// The row's text while it grows.
struct Line<'a> {
    text: &'a mut Vec<u8>,
    starts: [u32; COLUMNS],
    fields: usize,
    /// Dates as month/day/year.
    american: bool,
}

impl Line<'_> {
    /// The next field, written by `write`.
    #[inline]
    fn field(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.starts[self.fields] = self.text.len() as u32;
        self.fields += 1;
        write(self.text);
        self.text.push(b',');
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.field(|out| out.extend_from_slice(text.as_bytes()));
    }

    /// A code of a fixed number of digits behind a prefix.
    #[inline]
    fn code(&mut self, prefix: &str, number: u64, width: usize) {
        self.field(|out| {
            out.extend_from_slice(prefix.as_bytes());
            digits(out, number, width);
        });
    }

    #[inline]
    fn number(&mut self, number: u64) {
        self.field(|out| digits(out, number, width(number)));
    }

    #[inline]
    fn amount(&mut self, cents: u64) {
        self.field(|out| {
            digits(out, cents / 100, width(cents / 100));
            out.push(b'.');
            digits(out, cents % 100, 2);
        });
    }

    #[inline]
    fn date(&mut self, year: u64, month: u64, day: u64) {
        let american = self.american;
        self.field(|out| {
            if american {
                digits(out, month, 2);
                out.push(b'/');
                digits(out, day, 2);
                out.push(b'/');
                digits(out, year, 4);
            } else {
                digits(out, year, 4);
                out.push(b'-');
                digits(out, month, 2);
                out.push(b'-');
                digits(out, day, 2);
            }
        });
    }

    #[inline]
    fn diagnosis(&mut self, number: u64) {
        self.field(|out| {
            out.push(b'A' + (number % 26) as u8);
            digits(out, number, 2 + (number % 4) as usize);
        });
    }

    fn nothing(&mut self) {
        self.field(|_| {});
    }
}

#[inline]
fn digits(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut text = [b'0'; 20];
    for at in (0..width).rev() {
        text[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text[..width]);
}

#[inline]
fn width(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Days since 1970-01-01, after the days-from-civil formula for the Gregorian calendar.
fn days_since_epoch(year: u64, month: u64, day: u64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let shifted = (month + 9) % 12;
    let of_era = year % 400;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    (year / 400 * 146_097 + day_of_era) as i64 - 719_468
}

impl Claim {
    /// Appends the row's text and its line end.
    pub(crate) fn write(row: u64, random: &mut Random, text: &mut Vec<u8>) -> Self {
        let odd = random.below(100) == 0;
        let mut line = Line {
            text,
            starts: [0; COLUMNS],
            fields: 0,
            american: random.below(4) == 0,
        };
        let birth_days = member(row, random, &mut line);
        let (from_days, month) = service(random, &mut line);
        providers(odd, random, &mut line);
        codes(random, &mut line);
        let units = 1 + random.pooled(30);
        line.number(units);
        let charged = 500 + random.pooled(2_000_000);
        let allowed = charged * (40 + random.below(50)) / 100;
        let copay = random.below(9) * 500;
        let paid_cents = allowed.saturating_sub(copay);
        line.amount(charged);
        line.amount(allowed);
        line.amount(paid_cents);
        line.amount(copay);
        let note_characters = note(odd, random, &mut line);
        let in_network = random.below(10) > 0;
        line.text(if in_network { "Y" } else { "N" });
        let starts = line.starts;
        text.pop();
        text.push(b'\n');
        Self {
            starts,
            month,
            paid_cents,
            units,
            from_days,
            birth_days,
            note_characters,
            in_network,
        }
    }
}

/// Who, and insured with whom: 14 fields. Returns the birth date's day.
fn member(row: u64, random: &mut Random, line: &mut Line<'_>) -> i64 {
    line.code("C", row / 3, 14);
    line.number(row % 3 + 1);
    line.text(random.one_of(&["I", "O", "P", "P", "P"]));
    line.text(random.one_of(&["01", "01", "01", "02", "03", "04", "19", "22"]));
    let member = random.below(250_000);
    line.code("M", member * 37, 9);
    line.code("S", member / 2 * 53, 9);
    line.text(random.one_of(&["01", "18", "18", "18", "19", "20", "21", "G8"]));
    // The same member has the same birth date.
    let (year, birth_month, day) = (1925 + member % 100, 1 + member % 12, 1 + member % 28);
    line.date(year, birth_month, day);
    line.text(["F", "M", "F", "M", "U"][(member % 5) as usize]);
    let zip = member % 4000 * 23;
    if member.is_multiple_of(16) {
        line.field(|out| {
            digits(out, zip, 5);
            out.push(b'-');
            digits(out, zip % 10_000, 4);
        });
    } else {
        line.code("", zip, 5);
    }
    line.text(random.one_of(&["CO", "MA", "OR", "UT", "WA", "WA", "WA"]));
    line.code("PAY", random.below(12), 3);
    line.code("PLAN", random.below(60), 4);
    line.text(random.one_of(&["EPO", "HMO", "HMO", "IND", "MCD", "MCR", "POS", "PPO"]));
    days_since_epoch(year, birth_month, day)
}

/// When and where: 8 fields. Returns the day of `from_date` and its month.
fn service(random: &mut Random, line: &mut Line<'_>) -> (i64, usize) {
    let month = 1 + random.below(12);
    let day = 1 + random.below(28);
    let stay = random.below(1 + 28 - day);
    line.date(2025, month, day);
    line.date(2025, month, day + stay);
    line.date(2026, month, 1 + random.below(28));
    if random.below(5) == 0 {
        line.date(2025, month, day);
        line.date(2025, month, day + stay);
        line.text(random.one_of(&["01", "01", "02", "03", "06", "07", "20", "30"]));
        line.text(random.one_of(&["111", "117", "131", "137", "211"]));
        line.nothing();
    } else {
        (0..4).for_each(|_| line.nothing());
        line.text(random.one_of(&["11", "11", "11", "19", "21", "22", "23", "81"]));
    }
    let of_year = DAYS_BEFORE_MONTH[month as usize - 1] + day - 1;
    (YEAR_BEGINS + of_year as i64, month as usize)
}

/// By whom: 4 fields.
fn providers(odd: bool, random: &mut Random, line: &mut Line<'_>) {
    let billing = random.pooled(4_000);
    line.code("1", billing * 104_729, 9);
    if odd && random.below(2) == 0 {
        line.text(random.one_of(&["\"Hill, North & Co\"", "\"The \"\"Old\"\" Clinic\""]));
    } else {
        let name = ["Clinic", "Hospital", "Medical Group", "Practice"][(billing % 4) as usize];
        line.code(name, billing, 4);
    }
    let rendering = random.pooled(9_000);
    line.code("2", rendering * 99_991, 9);
    line.code("2084", rendering % 90, 6);
}

/// What for and what: 7 fields.
fn codes(random: &mut Random, line: &mut Line<'_>) {
    line.diagnosis(random.pooled(8_000));
    for likely_of_10 in [6, 3] {
        if random.below(10) < likely_of_10 {
            line.diagnosis(random.pooled(8_000));
        } else {
            line.nothing();
        }
    }
    line.code("", 10_000 + random.pooled(6_000) * 13, 5);
    match random.below(4) {
        0 => line.text(random.one_of(&["25", "26", "59", "GT", "LT", "RT"])),
        _ => line.nothing(),
    }
    match random.below(3) {
        0 => line.code("0", random.below(100) * 9, 3),
        _ => line.nothing(),
    }
    match random.below(10) {
        0 => line.code("", random.below(5_000) * 7_919, 11),
        _ => line.nothing(),
    }
}

/// A remark of some rows; returns its length.
fn note(odd: bool, random: &mut Random, line: &mut Line<'_>) -> u64 {
    let (text, characters) = if odd {
        match random.below(3) {
            0 => ("\"adjusted, see line 2\"", 20),
            1 => ("\"patient said \"\"call back\"\" twice\"", 30),
            _ => ("\"first line\nsecond line\"", 22),
        }
    } else if random.below(12) == 0 {
        ("resubmitted after review", 24)
    } else {
        ("", 0)
    };
    line.text(text);
    characters
}
