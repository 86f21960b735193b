//! Samples from files as they are sent: plain, gzip, zstd, or a ZIP archive's members.

use std::io::{self, Read, Seek, SeekFrom};

use crate::error::Unreadable;
use crate::unpack::{
    Compression, Unpacker, is_archive, open_archive, packed_base_name, read_member,
};

const PIECE_BYTES: usize = 256 << 10;

/// The beginning of a file, or all of it, unpacked.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Without folders, and without the ending that says how it is compressed.
    pub file_name: String,
    pub bytes: Vec<u8>,
    /// Whether the file goes on after `bytes`.
    pub is_cut: bool,
}

/// Why unpacking stopped.
enum Stop<E> {
    Enough,
    Failed(E),
}

impl<E: From<Unreadable>> From<Unreadable> for Stop<E> {
    fn from(unreadable: Unreadable) -> Self {
        Self::Failed(unreadable.into())
    }
}

impl<E: From<io::Error>> From<io::Error> for Stop<E> {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Sample {
    /// At most `bytes_max` bytes of a file that may be compressed; of an archive, as many of each
    /// member that holds any, in its order.
    ///
    /// # Errors
    /// Reading fails, or what is packed is damaged.
    pub fn read<E: From<Unreadable> + From<io::Error>>(
        file_name: &str,
        file: &mut (impl Read + Seek),
        bytes_max: usize,
    ) -> Result<Vec<Self>, E> {
        let mut start = Vec::new();
        file.take(PIECE_BYTES as u64).read_to_end(&mut start)?;
        file.seek(SeekFrom::Start(0))?;
        if is_archive(&start) {
            return Self::members(file, bytes_max);
        }
        let mut bytes = Vec::new();
        let outcome = unpack::<E>(file, bytes_max, &mut bytes);
        let is_packed = Compression::of(&start).is_some();
        Ok(vec![Self {
            file_name: if is_packed {
                packed_base_name(file_name).to_owned()
            } else {
                file_name.to_owned()
            },
            is_cut: was_cut::<E>(outcome)?,
            bytes,
        }])
    }

    fn members<E: From<Unreadable> + From<io::Error>>(
        file: &mut (impl Read + Seek),
        bytes_max: usize,
    ) -> Result<Vec<Self>, E> {
        let archive = open_archive::<E>(file)?;
        let mut samples = Vec::new();
        for member in &archive.members {
            let mut bytes = Vec::new();
            let outcome = read_member::<Stop<E>>(file, &archive, member, |piece| {
                keep(piece, bytes_max, &mut bytes)
            });
            let is_cut = was_cut::<E>(outcome)?;
            let file_name = member.name.rsplit('/').next().unwrap_or(&member.name);
            if !bytes.is_empty() {
                samples.push(Self {
                    file_name: file_name.to_owned(),
                    bytes,
                    is_cut,
                });
            }
        }
        Ok(samples)
    }
}

fn unpack<E: From<Unreadable> + From<io::Error>>(
    file: &mut impl Read,
    bytes_max: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), Stop<E>> {
    let mut unpacker = Unpacker::new();
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return unpacker.finish(|piece| keep(piece, bytes_max, bytes));
        }
        unpacker.push(&buffer[..count], |piece| keep(piece, bytes_max, bytes))?;
    }
}

/// Stops where there is more than is to be kept.
fn keep<E>(piece: &[u8], bytes_max: usize, bytes: &mut Vec<u8>) -> Result<(), Stop<E>> {
    let room = bytes_max - bytes.len();
    bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    if piece.len() > room {
        Err(Stop::Enough)
    } else {
        Ok(())
    }
}

fn was_cut<E>(outcome: Result<(), Stop<E>>) -> Result<bool, E> {
    match outcome {
        Ok(()) => Ok(false),
        Err(Stop::Enough) => Ok(true),
        Err(Stop::Failed(error)) => Err(error),
    }
}
