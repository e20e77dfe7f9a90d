//! Out of the library: copies, a contact sheet, the list of problems; and into the trash. In: files of the library and a
//! place. Out: what was written. Photos themselves are never written to, and no file is ever written over.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Engine;
use crate::error::{Error, Problem, Result};
use crate::jobs::{self, Job, Ticker, Wake};

mod sheet;

pub use sheet::SheetStyle;

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// From where, to where.
    pub copied: Vec<(PathBuf, PathBuf)>,
    /// Files that could not be copied.
    pub failed: Vec<Problem>,
}

/// What was moved to the trash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrashReport {
    /// Files that are in the trash now, and no longer in the library.
    pub trashed: Vec<PathBuf>,
    /// Files that stayed where they are.
    pub failed: Vec<Problem>,
}

impl Engine {
    /// Copies files into a folder, which is made if it is not there; a name that is taken gets a number.
    ///
    /// # Errors
    /// [`Error::Cancelled`], a folder that cannot be made. A file that cannot be copied is in the report.
    pub fn copy_originals(&self, files: &[PathBuf], folder: &Path, ticker: &Ticker) -> Result<ExportReport> {
        fs_err::create_dir_all(folder)?;
        ticker.phase("Copying");
        ticker.expect(files.len());
        let mut report = ExportReport::default();
        for file in files {
            match copied(file, folder) {
                Ok(copy) => report.copied.push((file.clone(), copy)),
                Err(error) => {
                    ticker.fail();
                    report.failed.push(Problem { path: file.clone(), reason: error.reason() });
                }
            }
            ticker.tick(1)?;
        }
        Ok(report)
    }

    /// [`Engine::copy_originals`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_copy_originals(&self, files: Vec<PathBuf>, folder: PathBuf, wake: Wake) -> Result<Job<ExportReport>> {
        let engine = self.clone();
        jobs::spawn("export", wake, move |ticker: &Ticker| engine.copy_originals(&files, &folder, ticker))
    }

    /// Writes the files that could not be used, with the reasons, as CSV (RFC 4180, UTF-8); gives the path that was free.
    ///
    /// # Errors
    /// A store that cannot be read, a place that cannot be written to.
    pub fn write_problems(&self, target: &Path) -> Result<PathBuf> {
        write_new(target, csv(&self.problems()?).as_bytes())
    }

    /// Moves files of the library to the system's trash, and out of the index. What the user made of the photos stays: a
    /// file that comes back is as it was.
    ///
    /// # Errors
    /// [`Error::Cancelled`] between two files, a store that cannot be written to. A file that cannot be moved is in the
    /// report and stays in the library.
    pub fn trash(&self, files: &[PathBuf], ticker: &Ticker) -> Result<TrashReport> {
        let into_trash = |path: &Path| trash::delete(path).map_err(|error| trash_reason(&error));
        self.trash_by(files, &into_trash, ticker)
    }

    /// [`Engine::trash`] on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_trash(&self, files: Vec<PathBuf>, wake: Wake) -> Result<Job<TrashReport>> {
        let engine = self.clone();
        jobs::spawn("trash", wake, move |ticker: &Ticker| engine.trash(&files, ticker))
    }

    fn trash_by(
        &self,
        files: &[PathBuf],
        into_trash: &dyn Fn(&Path) -> Result<(), String>,
        ticker: &Ticker,
    ) -> Result<TrashReport> {
        ticker.phase("Moving to the trash");
        ticker.expect(files.len());
        let (mut report, mut stopped) = (TrashReport::default(), Ok(()));
        for file in files {
            // Only what is in the library: a path from elsewhere was never shown to the person.
            let moved = match self.shared.store.file(file)? {
                Some(_) => into_trash(file),
                None => Err("it is not in the library".to_owned()),
            };
            match moved {
                Ok(()) => report.trashed.push(file.clone()),
                Err(reason) => {
                    ticker.fail();
                    report.failed.push(Problem { path: file.clone(), reason });
                }
            }
            stopped = ticker.tick(1);
            if stopped.is_err() {
                break;
            }
        }
        // What is in the trash is forgotten also when the rest was stopped.
        self.shared.store.forget_files(&report.trashed)?;
        self.refresh()?;
        stopped.map(|()| report)
    }
}

fn trash_reason(error: &trash::Error) -> String {
    match error {
        trash::Error::CouldNotAccess { .. } => "there is no such file, or it cannot be moved".to_owned(),
        other => format!("the system's trash refused it ({other}); move it yourself"),
    }
}

/// A copy of a file in a folder; its time is kept, a half-written copy is not.
fn copied(file: &Path, folder: &Path) -> Result<PathBuf> {
    let name = file.file_name().ok_or_else(|| Error::bad_file(file, "this is no file", "choose a photo"))?;
    let mut source = fs_err::File::open(file)?;
    let (mut target, path) = create_new(&folder.join(name))?;
    let written = std::io::copy(&mut source, &mut target).and_then(|_| target.sync_all());
    if let Err(error) = written {
        // The copy is ours, and half of it is of no use to anyone.
        fs_err::remove_file(&path).ok();
        return Err(error.into());
    }
    // A file system without times keeps the copy all the same.
    if let Ok(modified) = source.metadata().and_then(|metadata| metadata.modified()) {
        target.set_modified(modified).ok();
    }
    Ok(path)
}

/// Writes a file under this name or the next free one: "a (2).csv".
fn write_new(target: &Path, bytes: &[u8]) -> Result<PathBuf> {
    let (mut file, path) = create_new(target)?;
    file.write_all(bytes)?;
    Ok(path)
}

/// So many files of one name are numbered.
const MOST_NUMBER: u32 = 100_000;

/// A new file under this name or the next free one. The system creates it only if it is not there: no file can come
/// between looking and writing.
fn create_new(target: &Path) -> Result<(fs_err::File, PathBuf)> {
    let mut path = target.to_owned();
    for number in 2..MOST_NUMBER {
        match fs_err::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => path = numbered(target, number),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::bad_file(target, "there are too many files of this name", "choose another folder"))
}

/// "dog.jpg" as "dog (2).jpg".
fn numbered(target: &Path, number: u32) -> PathBuf {
    let mut name = target.file_stem().unwrap_or_default().to_owned();
    name.push(format!(" ({number})"));
    if let Some(extension) = target.extension() {
        name.push(".");
        name.push(extension);
    }
    target.with_file_name(name)
}

fn csv(problems: &[Problem]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let line =
        |problem: &Problem| format!("{},{}\r\n", quoted(&problem.path.to_string_lossy()), quoted(&problem.reason));
    std::iter::once("path,reason\r\n".to_owned()).chain(problems.iter().map(line)).collect()
}

#[cfg(test)]
mod tests;
