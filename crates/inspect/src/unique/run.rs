//! Keys that went to a file: sorted, each with its row, 24 bytes an entry.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// A file of the caller's, empty at first, gone when it is dropped.
pub trait SpillFile: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> SpillFile for T {}

/// Makes a [`SpillFile`].
pub type Spill = Box<dyn FnMut() -> io::Result<Box<dyn SpillFile>> + Send>;

const ENTRY_BYTES: usize = 24;
/// Entries read at once.
const PAGE: u64 = 170;

pub(super) struct RunWriter {
    file: BufWriter<Box<dyn SpillFile>>,
    entries: u64,
}

impl RunWriter {
    pub(super) fn new(file: Box<dyn SpillFile>) -> Self {
        Self {
            file: BufWriter::with_capacity(1 << 20, file),
            entries: 0,
        }
    }

    /// Keys come in their order, each once.
    pub(super) fn push(&mut self, hash: u128, row: u64) -> io::Result<()> {
        self.file.write_all(&hash.to_le_bytes())?;
        self.file.write_all(&row.to_le_bytes())?;
        self.entries += 1;
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<Run> {
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok(Run {
            file,
            entries: self.entries,
            page: Vec::new(),
        })
    }
}

pub(super) struct Run {
    file: Box<dyn SpillFile>,
    entries: u64,
    page: Vec<u8>,
}

impl Run {
    /// The row of that key. Hashes are spread evenly, so the place is guessed from the value;
    /// every second guess is the middle, so that a bad one costs no more than a step.
    pub(super) fn find(&mut self, hash: u128) -> io::Result<Option<u64>> {
        let (mut low, mut high) = (0, self.entries);
        let (mut low_hash, mut high_hash) = (0, u128::MAX);
        let mut guessing = true;
        while low < high {
            let span = high - low;
            let share = if guessing {
                (hash - low_hash) as f64 / (high_hash - low_hash).max(1) as f64
            } else {
                0.5
            };
            guessing = !guessing;
            let guess = low + ((span as f64 * share) as u64).min(span - 1);
            let first = guess.saturating_sub(PAGE / 2).max(low);
            let count = PAGE.min(high - first);
            self.read_page(first, count)?;
            let (page_low, page_high) = (self.hash(0), self.hash(count as usize - 1));
            if hash < page_low {
                (high, high_hash) = (first, page_low);
            } else if hash > page_high {
                (low, low_hash) = (first + count, page_high);
            } else {
                return Ok(self.find_in_page(hash));
            }
        }
        Ok(None)
    }

    fn read_page(&mut self, first: u64, count: u64) -> io::Result<()> {
        self.page.resize(count as usize * ENTRY_BYTES, 0);
        self.file
            .seek(SeekFrom::Start(first * ENTRY_BYTES as u64))?;
        self.file.read_exact(&mut self.page)
    }

    fn entries(&self) -> &[[u8; ENTRY_BYTES]] {
        self.page.as_chunks().0
    }

    fn hash(&self, at: usize) -> u128 {
        hash_of(&self.entries()[at])
    }

    fn find_in_page(&self, hash: u128) -> Option<u64> {
        let at = self.entries().binary_search_by_key(&hash, hash_of).ok()?;
        let (_, row) = self.entries()[at]
            .split_last_chunk()
            .expect("24 bytes hold 8");
        Some(u64::from_le_bytes(*row))
    }
}

fn hash_of(entry: &[u8; ENTRY_BYTES]) -> u128 {
    let (hash, _) = entry.split_first_chunk().expect("24 bytes hold 16");
    u128::from_le_bytes(*hash)
}
