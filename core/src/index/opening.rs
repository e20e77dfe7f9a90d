//! Opening the parts of a library: its shelf, the journal and the vectors. In: the library's folder. Out: the open parts;
//! what was damaged is set aside and said.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::chunk::Kept;
use super::files::read_files;
use super::journal::{Journal, Replayed};
use super::layout::{self, Layout};
use super::made::{Change, Made};
use super::record::{Stored, decode};
use super::shelf::{Next, Part, Shelf};
use super::store::{CLOSINGS, COPY_IS_COMPLETE, FLUSH_EVERY, JOURNAL_BYTES, SLOT_VERSION};
use super::table::Table;
use crate::error::{Error, Result};
use crate::models::ModelIdentity;

/// What lies on a shelf, but for the vectors.
pub(super) struct Contents {
    pub files: Vec<Stored>,
    pub kept: BTreeMap<ModelIdentity, Kept>,
    /// What the user made according to the copy; `None` where it was never complete.
    pub made: Option<Made>,
    pub journal_bytes: u64,
    closings: u64,
}

/// Opens the shelf; a broken one is set aside and an empty one made.
pub(super) fn open_shelf(layout: &Layout, findings: &mut Vec<String>) -> Result<(Shelf, Contents)> {
    let path = layout.store();
    let condemned = || Error::BrokenLibrary { reason: "it failed while it was used".to_owned(), path: path.clone() };
    let attempt = || read_shelf(layout);
    let opened = if layout.take_condemned()? { Err(condemned()) } else { layout::patiently(attempt) };
    let (shelf, contents, is_whole) = match opened {
        Err(Error::BrokenLibrary { reason, .. }) => {
            let aside = layout::set_aside(&path)?;
            // It may have been condemned by reading it just now; the new one is not.
            layout.take_condemned()?;
            findings.push(format!(
                "the store was damaged ({reason}); it was set aside and a new one made: tags, favourites, albums and \
                 saved searches are kept, run `sightline index` to read the photos again: {}",
                aside.display()
            ));
            attempt()?
        }
        opened => opened?,
    };
    if !is_whole {
        findings.push("some records could not be read; their files will be indexed again".to_owned());
    }
    Ok((shelf, contents))
}

/// Reads all of the shelf but the vectors, so that damage shows now and not in the middle of the work; says whether every
/// record could be read.
fn read_shelf(layout: &Layout) -> Result<(Shelf, Contents, bool)> {
    let shelf = Shelf::open(layout, FLUSH_EVERY)?;
    let (files, is_whole) = read_files(&shelf)?;
    let kept = read_kept(&shelf)?;
    let made = shelf.get(Part::Notes, COPY_IS_COMPLETE)?.map(|_| read_copy(&shelf)).transpose()?;
    let number =
        |key| Ok::<u64, Error>(shelf.get(Part::Notes, key)?.and_then(|bytes| layout::number(&bytes)).unwrap_or(0));
    let (journal_bytes, closings) = (number(JOURNAL_BYTES)?, number(CLOSINGS)?);
    Ok((shelf, Contents { files, kept, made, journal_bytes, closings }, is_whole))
}

/// What the shelf has of each model's vectors. An unreadable record is none: the vectors are kept again.
fn read_kept(shelf: &Shelf) -> Result<BTreeMap<ModelIdentity, Kept>> {
    let mut all = BTreeMap::new();
    shelf.each(Part::Models, &[], |_, bytes| {
        all.extend(Kept::decode(bytes).map(|kept| (kept.identity.clone(), kept)));
        Ok(Next::More)
    })?;
    Ok(all)
}

/// What the user made according to the copy on the shelf.
pub(super) fn read_copy(shelf: &Shelf) -> Result<Made> {
    let mut made = Made::default();
    shelf.each(Part::Made, &[], |key, value| {
        if let Some((&SLOT_VERSION, rest)) = key.split_first()
            && let Some(slot) = decode(rest)
        {
            made.apply(&[Change { slot, value: Some(value.to_vec()) }]);
        }
        Ok(Next::More)
    })?;
    Ok(made)
}

/// Whether the shelf still has the end of its log; how often the library was closed so far.
pub(super) fn check_end(layout: &Layout, contents: &Contents, findings: &mut Vec<String>) -> Result<u64> {
    let closed = layout::take_number(&layout.closings())?;
    let is_rebuilt = contents.made.is_none();
    if closed.is_some_and(|closed| closed != contents.closings) && !is_rebuilt {
        let path = layout.store();
        findings.push(format!(
            "the last records of the store were lost to damage; `sightline index` reads their photos again: {}",
            path.display()
        ));
    }
    Ok(contents.closings.max(closed.unwrap_or(0)))
}

/// What the user made, and where it is written down.
pub(super) struct User {
    pub journal: Journal,
    pub made: Made,
}

impl User {
    /// From the journal, or, where that is damaged or shorter than it was, from the store's `copy`, which is flushed with
    /// every change and so has everything that was ever confirmed. With the copy comes the length of the journal then.
    pub fn open(
        layout: &Layout,
        (mut journal, replayed): (Journal, Replayed),
        copy: Option<(&Made, u64)>,
        findings: &mut Vec<String>,
    ) -> Result<Self> {
        let is_short = copy.is_some_and(|(_, bytes)| journal.size() < bytes);
        if replayed.is_whole() && !is_short {
            return Ok(Self { journal, made: replayed.made });
        }
        let (made, source) = match copy {
            Some((made, _)) => (made.clone(), "nothing is lost, the store had a copy"),
            None => (replayed.made, "what could be read of it is kept"),
        };
        if replayed.skipped_bytes > 0 {
            let aside = layout::copy_aside(&layout.journal())?;
            let bytes = replayed.skipped_bytes;
            findings.push(format!("{bytes} bytes of the journal were damaged; {source}: {}", aside.display()));
        } else if is_short {
            findings.push(format!("the journal of what you made lacked its end; {source}"));
        } else {
            findings.push(format!("the journal's last entry was cut short by a crash and dropped; {source}"));
        }
        journal.rewrite(&made)?;
        Ok(Self { journal, made })
    }
}

/// The vectors of all models.
pub(super) struct Tables {
    pub open: BTreeMap<ModelIdentity, Table>,
    /// What was damaged beyond use: name of the files, and what they were set aside as.
    pub damaged: Vec<(OsString, PathBuf)>,
}

/// Opens the vectors of all models; damaged ones are set aside.
pub(super) fn open_tables(folder: &Path) -> Result<Tables> {
    let mut tables = Tables { open: BTreeMap::new(), damaged: Vec::new() };
    for entry in fs_err::read_dir(folder)? {
        let keys = entry?.path();
        if keys.extension().is_none_or(|extension| extension != "keys") {
            continue;
        }
        let stem = keys.with_extension("");
        match Table::open(&stem)? {
            Some(table) => drop(tables.open.insert(table.identity().clone(), table)),
            None => tables.damaged.push((stem.file_name().unwrap_or_default().to_owned(), layout::set_aside(&keys)?)),
        }
    }
    Ok(tables)
}
