//! Which brackets are open, without allocation: a bit for each.

/// How deep arrays and objects may stand inside each other.
pub(crate) const DEPTH_MAX: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bracket {
    Array,
    Object,
}

/// The brackets that are open. Deeper than [`DEPTH_MAX`] they are only counted.
#[derive(Debug, Default)]
pub(crate) struct Brackets {
    /// Set for objects.
    objects: [u64; DEPTH_MAX / 64],
    depth: usize,
}

impl Brackets {
    pub(crate) fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// False where it is too deep to be told from others.
    pub(crate) fn push(&mut self, bracket: Bracket) -> bool {
        let word = self.objects.get_mut(self.depth / 64);
        let known = word.is_some();
        if let Some(word) = word {
            let bit = 1 << (self.depth % 64);
            match bracket {
                Bracket::Object => *word |= bit,
                Bracket::Array => *word &= !bit,
            }
        }
        self.depth += 1;
        known
    }

    pub(crate) fn pop(&mut self) {
        self.depth -= 1;
    }

    pub(crate) fn clear(&mut self) {
        self.depth = 0;
    }

    pub(crate) fn innermost(&self) -> Option<Bracket> {
        self.at(self.depth.checked_sub(1)?)
    }

    /// Closes the innermost of that kind with all that stands in it; false where none is open.
    pub(crate) fn close_through(&mut self, bracket: Bracket) -> bool {
        let found = (0..self.depth)
            .rev()
            .find(|&at| self.at(at) == Some(bracket));
        if let Some(at) = found {
            self.depth = at;
        }
        found.is_some()
    }

    /// Absent where it is too deep to be known.
    fn at(&self, place: usize) -> Option<Bracket> {
        let word = self.objects.get(place / 64)?;
        Some(if word >> (place % 64) & 1 == 1 {
            Bracket::Object
        } else {
            Bracket::Array
        })
    }
}
