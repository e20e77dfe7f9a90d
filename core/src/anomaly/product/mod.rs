//! A product: good parts, settings and thresholds, in versions. In: files of parts. Out: a folder that holds all of it, and
//! one zip file of the same for another machine. Nothing is ever taken out of the history; undo goes back one version.
//!
//! ```text
//! FOLDER/product.json            the versions
//! FOLDER/references/HASH.ENDING  the parts' files under the blake3 of their bytes
//! ```

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::report::write;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::models::ModelIdentity;

mod archive;
mod shelf;

pub use shelf::{ProductRow, Products};

/// What a product's folder and its zip hold besides the parts' files.
const RECORD: &str = "product.json";
/// The folder of the parts' files.
const REFERENCES: &str = "references";
/// The newest form of the record: in the first one, maps and their thresholds were those of the first of several looks.
const FORM: u32 = 2;
/// A larger record is no product's.
const MOST_RECORD_BYTES: u64 = 64 << 20;
/// A larger part's file is none that could be decoded.
const MOST_FILE_BYTES: u64 = 256 << 20;

/// What a part is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Good: learnt.
    Normal,
    /// Good: sets thresholds only.
    Ok,
    /// Defective: shows how many defects the thresholds let pass.
    Defect,
}

/// A part's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What it was called.
    pub name: String,
    /// blake3 of its bytes, in hexadecimal digits.
    pub hash: String,
    /// Its ending ("png").
    pub ending: String,
    /// What it is kept for.
    pub role: Role,
}

/// A state of a product. Never changed once the next one is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// From 1.
    pub number: u32,
    /// The version that it was made from; `None` for the first.
    pub parent: Option<u32>,
    /// When, in UTC.
    pub made: String,
    /// Why, in the person's or the program's words.
    pub reason: String,
    /// How parts are looked at and judged.
    pub settings: Settings,
    /// The parts.
    pub references: Vec<Reference>,
    /// The model that it was calibrated with.
    pub model: Option<ModelIdentity>,
    /// The thresholds; `None` until it is taught.
    pub calibration: Option<Calibration>,
}

/// All versions of a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    form: u32,
    name: String,
    current: u32,
    versions: Vec<Version>,
}

/// An open product. Changes are on the disk when a call returns.
#[derive(Debug, Clone)]
pub struct Product {
    folder: PathBuf,
    record: Record,
}

impl Product {
    /// Makes a product of no part in an empty or new folder.
    ///
    /// # Errors
    /// A folder that holds a product already, or that cannot be written to; settings that make no sense.
    pub fn create(folder: &Path, name: &str, settings: Settings) -> Result<Self> {
        settings.check()?;
        if folder.join(RECORD).exists() {
            return Err(Error::bad_file(folder, "there is a product already", "choose another name"));
        }
        let first = Version {
            number: 1,
            parent: None,
            made: now(),
            reason: "made".into(),
            settings: settings.with_sizes(),
            references: Vec::new(),
            model: None,
            calibration: None,
        };
        let record = Record { form: FORM, name: name.to_owned(), current: 1, versions: vec![first] };
        let product = Self { folder: folder.to_owned(), record };
        product.save()?;
        Ok(product)
    }

    /// Opens a product's folder.
    ///
    /// # Errors
    /// A folder without a product, of a newer Sightline, or one whose record is damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(RECORD);
        if !path.is_file() {
            return Err(Error::bad_file(
                folder,
                "there is no product in this folder",
                "choose one that holds product.json",
            ));
        }
        let mut bytes = Vec::new();
        fs_err::File::open(&path)?.take(MOST_RECORD_BYTES).read_to_end(&mut bytes)?;
        Ok(Self { folder: folder.to_owned(), record: record(&bytes, &path)? })
    }

    /// What the user calls it.
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// The version in use.
    pub fn version(&self) -> &Version {
        let is_current = |version: &&Version| version.number == self.record.current;
        // `record` refuses a current version that is not there.
        self.record.versions.iter().find(is_current).unwrap_or(&self.record.versions[0])
    }

    /// Every version, oldest first.
    pub fn versions(&self) -> &[Version] {
        &self.record.versions
    }

    /// "NAME, version N".
    pub fn title(&self) -> String {
        format!("{}, version {}", self.name(), self.record.current)
    }

    /// The files of the current version's parts of one role.
    pub fn files(&self, role: Role) -> Vec<PathBuf> {
        let of_role = self.version().references.iter().filter(|reference| reference.role == role);
        of_role.map(|reference| self.folder.join(place(reference))).collect()
    }

    /// A new version with more parts: "accept as normal", "add as defect". A part that is there already only changes its role.
    ///
    /// # Errors
    /// A file that cannot be read or a folder that cannot be written to; the product then stays as it was.
    pub fn add(&mut self, files: &[PathBuf], role: Role, reason: &str) -> Result<()> {
        let mut next = self.next(reason);
        for file in files {
            let reference = self.keep(file, role)?;
            next.references.retain(|other| other.hash != reference.hash);
            next.references.push(reference);
        }
        self.adopt(next)
    }

    /// A new version without some parts, by the hashes of their files.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn remove(&mut self, hashes: &[String], reason: &str) -> Result<()> {
        let mut next = self.next(reason);
        next.references.retain(|reference| !hashes.contains(&reference.hash));
        self.adopt(next)
    }

    /// A new version with other settings.
    ///
    /// # Errors
    /// Settings that make no sense, or a folder that cannot be written to.
    pub fn set_settings(&mut self, settings: Settings, reason: &str) -> Result<()> {
        settings.check()?;
        let next = Version { settings: settings.with_sizes(), ..self.next(reason) };
        self.adopt(next)
    }

    /// Keeps what teaching the current version gave.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn set_calibration(&mut self, model: ModelIdentity, calibration: Calibration) -> Result<()> {
        let current = self.record.current;
        let before = self.record.clone();
        if let Some(version) = self.record.versions.iter_mut().find(|version| version.number == current) {
            (version.model, version.calibration) = (Some(model), Some(calibration));
        }
        self.save_or_restore(before)
    }

    /// Goes back to the version that the current one was made from; whether there was one.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn undo(&mut self) -> Result<bool> {
        let Some(parent) = self.version().parent else { return Ok(false) };
        let before = self.record.clone();
        self.record.current = parent;
        self.save_or_restore(before)?;
        Ok(true)
    }

    /// Calls it something else. Only [`Products`] may: its folder goes by the name.
    fn rename(&mut self, name: &str) -> Result<()> {
        let before = self.record.clone();
        name.clone_into(&mut self.record.name);
        self.save_or_restore(before)
    }

    /// Refuses a model other than the one that the thresholds were made with.
    ///
    /// # Errors
    /// Names both models and the way out.
    pub fn check_model(&self, model: &ModelIdentity) -> Result<()> {
        match &self.version().model {
            Some(own) if own.id == model.id && own.is_int8() != model.is_int8() => {
                let bits = |model: &ModelIdentity| if model.is_int8() { "int8" } else { "f32" };
                Err(Error::bad_request(
                    format!("the product {:?} was made in {}, this is {}", self.title(), bits(own), bits(model)),
                    format!("inspect with --precision {}, or make the product anew", bits(own)),
                ))
            }
            Some(own) if own != model => Err(Error::bad_request(
                format!("the product {:?} was made with the model {own}, this is {model}", self.title()),
                format!("inspect with --model {}, or make the product anew with this model", own.id),
            )),
            _ => Ok(()),
        }
    }

    fn next(&self, reason: &str) -> Version {
        let number = self.record.versions.iter().map(|version| version.number).max().unwrap_or(0) + 1;
        let parent = Some(self.record.current);
        Version {
            number,
            parent,
            made: now(),
            reason: reason.to_owned(),
            calibration: None,
            model: None,
            ..self.version().clone()
        }
    }

    fn adopt(&mut self, next: Version) -> Result<()> {
        let before = self.record.clone();
        self.record.current = next.number;
        self.record.versions.push(next);
        self.save_or_restore(before)
    }

    fn save_or_restore(&mut self, before: Record) -> Result<()> {
        let saved = self.save();
        if saved.is_err() {
            self.record = before;
        }
        saved
    }

    fn save(&self) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(&self.record).map_err(std::io::Error::other)?;
        write(&self.folder.join(RECORD), &bytes)
    }

    /// Copies a part's file into the folder.
    fn keep(&self, file: &Path, role: Role) -> Result<Reference> {
        let size = fs_err::metadata(file).map_err(|error| Error::unread(file, error))?.len();
        if size > MOST_FILE_BYTES {
            return Err(Error::bad_file(file, "the file is too large for a part", "give a smaller picture"));
        }
        let bytes = fs_err::read(file)?;
        let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let ending = text(file.extension()).to_ascii_lowercase();
        let ending = if is_ending(&ending) { ending } else { "bin".into() };
        let hash = blake3::hash(&bytes).to_hex().to_string();
        let reference = Reference { name: text(file.file_name()), hash, ending, role };
        let target = self.folder.join(place(&reference));
        if !target.is_file() {
            write(&target, &bytes)?;
        }
        Ok(reference)
    }
}

/// Reads a record that anyone may have written.
fn record(bytes: &[u8], path: &Path) -> Result<Record> {
    let broken = |reason: String| {
        Error::bad_file(path, format!("the product's record is damaged ({reason})"), "import it again from its file")
    };
    let mut record: Record = serde_json::from_slice(bytes).map_err(|error| broken(error.to_string()))?;
    if record.form > FORM {
        return Err(Error::bad_file(path, "the product was written by a newer Sightline", "update Sightline"));
    }
    if !record.versions.iter().any(|version| version.number == record.current) {
        return Err(broken("its current version is missing".into()));
    }
    for version in &record.versions {
        version.settings.check()?;
        let is_safe = |reference: &Reference| is_hash(&reference.hash) && is_ending(&reference.ending);
        if !version.references.iter().all(is_safe) {
            return Err(broken("a part has no hash".into()));
        }
        let numbers = |calibration: &Calibration| calibration.review.score.is_finite();
        if !version.calibration.as_ref().is_none_or(numbers) {
            return Err(broken("a threshold is no number".into()));
        }
    }
    if record.form < FORM {
        // Taught again, they get thresholds for the map of all looks.
        let is_joined = |version: &&mut Version| !version.settings.others().is_empty();
        record.versions.iter_mut().filter(is_joined).for_each(|version| version.calibration = None);
        record.form = FORM;
    }
    Ok(record)
}

/// Only hash and ending make a path, both checked: no name leads out of the folder.
fn place(reference: &Reference) -> String {
    format!("{REFERENCES}/{}.{}", reference.hash, reference.ending)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_ending(text: &str) -> bool {
    (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::calibrate::{Basis, OkScore};
    use super::*;

    pub(super) struct Home(pub TempDir);

    impl Home {
        pub fn new() -> Self {
            Self(TempDir::new().unwrap())
        }

        pub fn file(&self, name: &str, content: &str) -> PathBuf {
            let path = self.0.path().join(name);
            fs_err::write(&path, content).unwrap();
            path
        }

        pub fn product(&self) -> Product {
            Product::create(&self.0.path().join("p"), "Plate", Settings::default()).unwrap()
        }
    }

    #[test]
    fn every_change_makes_a_version_and_undo_goes_back() {
        let home = Home::new();
        let mut product = home.product();
        let (a, b) = (home.file("a.png", "a"), home.file("b.PNG", "b"));
        product.add(std::slice::from_ref(&a), Role::Normal, "references").unwrap();
        product.add(&[b], Role::Normal, "accepted as normal").unwrap();
        assert_eq!((product.version().number, product.files(Role::Normal).len()), (3, 2));
        assert!(product.undo().unwrap());
        assert_eq!((product.version().number, product.files(Role::Normal).len()), (2, 1));
        product.add(&[a], Role::Defect, "it was none").unwrap();
        assert_eq!((product.version().number, product.version().parent), (4, Some(2)));
        assert_eq!((product.files(Role::Normal).len(), product.files(Role::Defect).len()), (0, 1));
        let again = Product::open(&home.0.path().join("p")).unwrap();
        assert_eq!(again.versions(), product.versions());
        assert_eq!(again.title(), "Plate, version 4");
    }

    #[test]
    fn a_product_of_the_first_form_looks_as_it_did_and_gets_new_thresholds_where_looks_were_combined() {
        let home = Home::new();
        let mut product = home.product();
        let ok = OkScore { name: "a".into(), score: 1.0, peak: 2.0, upper: 1.5, median: 0.5 };
        let calibration = Calibration::of(vec![ok; 3], Basis::LeaveOneOut, &Settings::default()).unwrap();
        product.set_calibration(ModelIdentity { id: "own".into(), digest: "1".into() }, calibration).unwrap();
        let path = home.0.path().join("p").join(RECORD);
        let mut written: serde_json::Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
        written["form"] = 1.into();
        let settings = written["versions"][0]["settings"].as_object_mut().unwrap();
        settings.remove("sizes");
        settings.insert("size".into(), 448.into());
        let read = |written: &serde_json::Value| {
            record(&serde_json::to_vec(written).unwrap(), &path).unwrap().versions.remove(0)
        };
        let single = read(&written);
        assert_eq!((single.settings.sizes(), single.calibration.is_some()), (&[448][..], true));
        written["versions"][0]["settings"]["combined"] = serde_json::json!([{ "method": "subspace", "size": 448 }]);
        assert_eq!(read(&written).calibration, None);
        written["form"] = FORM.into();
        assert!(read(&written).calibration.is_some());
    }

    #[test]
    fn the_first_version_has_nothing_to_undo() {
        assert!(!Home::new().product().undo().unwrap());
    }

    #[test]
    fn another_model_is_refused_with_the_way_out() {
        let home = Home::new();
        let mut product = home.product();
        let model = |id: &str| ModelIdentity { id: id.into(), digest: "1".into() };
        assert!(product.check_model(&model("any")).is_ok());
        product.record.versions[0].model = Some(model("own"));
        let error = product.check_model(&model("other")).unwrap_err().to_string();
        assert!(error.contains("--model own") && error.contains("other@1"), "{error}");
        product.undo().unwrap();
    }
}
