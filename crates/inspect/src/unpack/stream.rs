//! gzip (RFC 1952) and zstd (RFC 8878), several members or frames one after another as one file.

use std::io::Write;

use flate2::write::GzDecoder;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::damaged;
use crate::error::Unreadable;

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// How much of a gzip stream is unpacked at a time: a thousand times as much may come out.
const GZIP_PIECE_BYTES: usize = 8 << 10;
/// How much of a zstd stream comes out at a time.
const ZSTD_PIECE_BYTES: usize = 256 << 10;

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// By the first bytes of a file.
    pub fn of(start: &[u8]) -> Option<Self> {
        if start.starts_with(&GZIP_MAGIC) {
            Some(Self::Gzip)
        } else if start.starts_with(&ZSTD_MAGIC) {
            Some(Self::Zstd)
        } else {
            None
        }
    }
}

/// Undoes the compression that a file's first bytes tell; what is not compressed passes.
pub struct Unpacker {
    state: State,
    /// The first bytes, until they tell.
    start: Vec<u8>,
}

enum State {
    Sniffing,
    Plain,
    Gzip(Box<Gzip>),
    Zstd(Zstd),
}

impl Default for Unpacker {
    fn default() -> Self {
        Self::new()
    }
}

impl Unpacker {
    pub fn new() -> Self {
        Self {
            state: State::Sniffing,
            start: Vec::new(),
        }
    }

    /// Takes the file's next bytes and gives what they hold to `take`, in order, in pieces.
    ///
    /// # Errors
    /// The stream is damaged, or `take` fails.
    pub fn push<E: From<Unreadable>>(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if !matches!(self.state, State::Sniffing) {
            return self.unpack(bytes, &mut take);
        }
        self.start.extend_from_slice(bytes);
        if self.start.len() < ZSTD_MAGIC.len() {
            return Ok(());
        }
        let start = self.begin();
        self.unpack(&start, &mut take)
    }

    /// There is nothing more.
    ///
    /// # Errors
    /// The stream is cut off, or `take` fails.
    pub fn finish<E: From<Unreadable>>(
        mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if matches!(self.state, State::Sniffing) {
            let start = self.begin();
            self.unpack(&start, &mut take)?;
        }
        match self.state {
            State::Sniffing | State::Plain => Ok(()),
            State::Gzip(gzip) => gzip.finish(&mut take),
            State::Zstd(zstd) if zstd.between_frames => Ok(()),
            State::Zstd(_) => Err(damaged("zstd", CUT_OFF).into()),
        }
    }

    /// How the file is compressed, once enough of it was seen.
    pub fn compression(&self) -> Option<Compression> {
        match self.state {
            State::Sniffing | State::Plain => None,
            State::Gzip(_) => Some(Compression::Gzip),
            State::Zstd(_) => Some(Compression::Zstd),
        }
    }

    fn begin(&mut self) -> Vec<u8> {
        self.state = match Compression::of(&self.start) {
            None => State::Plain,
            Some(Compression::Gzip) => State::Gzip(Box::default()),
            Some(Compression::Zstd) => State::Zstd(Zstd::new()),
        };
        std::mem::take(&mut self.start)
    }

    fn unpack<E: From<Unreadable>>(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match &mut self.state {
            State::Sniffing | State::Plain => take(bytes),
            State::Gzip(gzip) => bytes
                .chunks(GZIP_PIECE_BYTES)
                .try_for_each(|piece| gzip.unpack(piece, take)),
            State::Zstd(zstd) => zstd.unpack(bytes, take),
        }
    }
}

/// The first bytes of what a file that begins so holds, at most `bytes_max` of them; of one that
/// is not compressed, `start` itself.
pub fn unpacked_head(start: &[u8], bytes_max: usize) -> Vec<u8> {
    struct Enough;
    impl From<Unreadable> for Enough {
        fn from(_: Unreadable) -> Self {
            Self
        }
    }
    let mut head = Vec::new();
    let mut take = |piece: &[u8]| {
        let room = bytes_max - head.len();
        head.extend_from_slice(&piece[..piece.len().min(room)]);
        if head.len() == bytes_max {
            Err(Enough)
        } else {
            Ok(())
        }
    };
    let mut unpacker = Unpacker::new();
    // Damage shows when the file is read; what came out before it will do here.
    if unpacker.push(start, &mut take).is_ok() {
        let _ = unpacker.finish(&mut take);
    }
    head
}

const CUT_OFF: &str = "it is cut off before its end";
const BROKEN: &str = "its bytes are damaged";

struct Zstd {
    decoder: Decoder<'static>,
    out: Vec<u8>,
    between_frames: bool,
}

impl Zstd {
    fn new() -> Self {
        Self {
            decoder: Decoder::new().expect("memory for a zstd decoder"),
            out: vec![0; ZSTD_PIECE_BYTES],
            between_frames: true,
        }
    }

    fn unpack<E: From<Unreadable>>(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut input = InBuffer::around(bytes);
        loop {
            if self.between_frames && input.pos() == bytes.len() {
                return Ok(());
            }
            let before = input.pos();
            let mut output = OutBuffer::around(&mut self.out[..]);
            let left = self.decoder.run(&mut input, &mut output);
            let written = output.pos();
            self.between_frames = left.map_err(|_| damaged("zstd", BROKEN))? == 0;
            if written > 0 {
                take(&self.out[..written])?;
            } else if input.pos() == before {
                return Ok(());
            }
        }
    }
}

#[derive(Default)]
struct Gzip {
    member: Option<GzDecoder<Vec<u8>>>,
    /// A member was read to its end.
    complete: bool,
    /// After the last member there are zeros, as some programs pad.
    padding: bool,
}

impl Gzip {
    fn unpack<E: From<Unreadable>>(
        &mut self,
        mut bytes: &[u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(&first) = bytes.first() {
            if self.member.is_none() && self.complete && (self.padding || first == 0) {
                self.padding = true;
                if bytes.iter().any(|&byte| byte != 0) {
                    return Err(damaged("gzip", BROKEN).into());
                }
                return Ok(());
            }
            let member = self
                .member
                .get_or_insert_with(|| GzDecoder::new(Vec::new()));
            let read = member.write(bytes).map_err(|_| damaged("gzip", BROKEN))?;
            hand_on(member, take)?;
            if read == 0 {
                // Its end was reached before these bytes.
                member.try_finish().map_err(|_| damaged("gzip", BROKEN))?;
                hand_on(member, take)?;
                self.member = None;
                self.complete = true;
            }
            bytes = &bytes[read..];
        }
        Ok(())
    }

    fn finish<E: From<Unreadable>>(
        mut self,
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(member) = &mut self.member else {
            return Ok(());
        };
        let ended = member.try_finish();
        hand_on(member, take)?;
        ended.map_err(|_| damaged("gzip", CUT_OFF).into())
    }
}

fn hand_on<E>(
    member: &mut GzDecoder<Vec<u8>>,
    take: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let out = member.get_mut();
    if !out.is_empty() {
        take(out)?;
        out.clear();
    }
    Ok(())
}
