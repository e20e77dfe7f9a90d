//! Opening the parts of a library that are not in its store: the journal and the vectors. In: the library's folder, the
//! store's copy of what the user made. Out: the open parts; what was damaged is set aside and said. Knows no record.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::journal::{Journal, Replayed};
use super::layout::{self, Layout};
use super::made::Made;
use super::table::Table;
use crate::error::Result;
use crate::models::ModelIdentity;

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
