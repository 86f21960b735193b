//! The last lines of a file that the contract says to skip. Which these are is known only at the
//! end, so the last blocks are held back.

use std::collections::VecDeque;

use crate::block::Block;
use crate::outcome::FileEnd;

#[derive(Debug)]
pub(crate) struct Footer {
    lines: usize,
    /// Blocks of which the last `lines` records are some, oldest first.
    held: VecDeque<Block>,
    held_rows: usize,
}

impl Footer {
    pub(crate) fn new(lines: usize) -> Self {
        Self {
            lines,
            held: VecDeque::new(),
            held_rows: 0,
        }
    }

    /// Takes the next block; gives those that cannot be the file's end.
    pub(crate) fn pass(&mut self, block: Block) -> Vec<Block> {
        if self.lines == 0 {
            return vec![block];
        }
        self.held_rows += block.rows();
        self.held.push_back(block);
        let mut passed = Vec::new();
        while let Some(oldest) = self.held.front()
            && self.held_rows - oldest.rows() >= self.lines
        {
            self.held_rows -= oldest.rows();
            passed.extend(self.held.pop_front());
        }
        passed
    }

    /// There is nothing more: gives what was held back, without the footer.
    pub(crate) fn finish(&mut self, end: &mut FileEnd) -> Vec<Block> {
        for _ in 0..self.lines.min(self.held_rows) {
            let Some(block) = self.held.back_mut() else {
                break;
            };
            if let Some(span) = block.records.pop() {
                let length = block.file_length(span);
                end.rows -= 1;
                end.row_bytes -= length;
                end.passed.footer.add(length);
            }
            if block.records.is_empty() {
                self.held.pop_back();
            }
        }
        std::mem::take(&mut self.held).into()
    }
}
