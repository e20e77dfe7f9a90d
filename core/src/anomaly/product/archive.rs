//! A product as one zip file. In: a product's folder. Out: the file, and the folder from it again. The file may have been
//! made by anyone: only the record and the files it names are taken, each by its hash.

use std::io::{Read, Seek, Write};
use std::path::Path;

use super::super::report::write;
use super::{MOST_FILE_BYTES, MOST_RECORD_BYTES, Product, RECORD, Reference, place, record};
use crate::error::{Error, Result};

impl Product {
    /// Writes the product as one zip file: record and all files of all versions.
    ///
    /// # Errors
    /// A file that is missing or no longer what it was, or a full disk; half a file is removed.
    pub fn export(&self, path: &Path) -> Result<()> {
        let beside = path.with_extension("zip.part");
        let written = self.write_zip(&beside).and_then(|()| Ok(fs_err::rename(&beside, path)?));
        if written.is_err() {
            // That it cannot be removed either is not the error to report.
            fs_err::remove_file(&beside).ok();
        }
        written
    }

    fn write_zip(&self, path: &Path) -> Result<()> {
        let options = || zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let failed = |error: zip::result::ZipError| Error::Io(std::io::Error::from(error));
        let mut archive = zip::ZipWriter::new(std::io::BufWriter::new(fs_err::File::create(path)?));
        archive.start_file(RECORD, options()).map_err(failed)?;
        archive.write_all(&serde_json::to_vec_pretty(&self.record).map_err(std::io::Error::other)?)?;
        let mut places: Vec<(String, &Reference)> = self.all_references().map(|of| (place(of), of)).collect();
        places.sort_by(|a, b| a.0.cmp(&b.0));
        places.dedup_by(|a, b| a.0 == b.0);
        for (place, reference) in places {
            let bytes = fs_err::read(self.folder.join(&place))?;
            check_hash(&bytes, &reference.hash, &self.folder.join(&place))?;
            archive.start_file(place, options()).map_err(failed)?;
            archive.write_all(&bytes)?;
        }
        archive.finish().map_err(failed)?.flush()?;
        Ok(())
    }

    fn all_references(&self) -> impl Iterator<Item = &Reference> {
        self.record.versions.iter().flat_map(|version| &version.references)
    }

    /// Unpacks a product's zip file into a new folder. Only the record and the files it names are taken, each by its hash.
    ///
    /// # Errors
    /// A file that is no product's zip, lacks a part, or holds one that is not what its hash says; the folder is then removed.
    pub fn import(zip: &Path, folder: &Path) -> Result<Self> {
        if folder.join(RECORD).exists() {
            return Err(Error::bad_file(folder, "there is a product already", "remove it or choose another folder"));
        }
        let is_new = !folder.exists();
        let unpacked = unpack(zip, folder);
        if unpacked.is_err() && is_new {
            // What is half unpacked is of no use; that it cannot be removed either is not the error to report.
            std::fs::remove_dir_all(folder).ok();
        }
        unpacked?;
        Self::open(folder)
    }
}

fn unpack(path: &Path, folder: &Path) -> Result<()> {
    let broken = |error: zip::result::ZipError| {
        Error::bad_file(path, format!("this is no product's file ({error})"), "export the product again")
    };
    let mut archive = zip::ZipArchive::new(std::io::BufReader::new(fs_err::File::open(path)?)).map_err(broken)?;
    let bytes = entry(&mut archive, RECORD, MOST_RECORD_BYTES).map_err(|error| no_entry(path, RECORD, &error))?;
    let record = record(&bytes, path)?;
    let product = Product { folder: folder.to_owned(), record };
    for reference in product.all_references() {
        let place = place(reference);
        let target = folder.join(&place);
        if target.is_file() {
            continue;
        }
        let bytes = entry(&mut archive, &place, MOST_FILE_BYTES).map_err(|error| no_entry(path, &place, &error))?;
        check_hash(&bytes, &reference.hash, path)?;
        write(&target, &bytes)?;
    }
    product.save()
}

fn entry<R: Read + Seek>(archive: &mut zip::ZipArchive<R>, name: &str, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.by_name(name)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(std::io::Error::other("it is too large")) } else { Ok(bytes) }
}

fn no_entry(path: &Path, name: &str, error: &std::io::Error) -> Error {
    Error::bad_file(path, format!("the product's file lacks {name} ({error})"), "export the product again")
}

fn check_hash(bytes: &[u8], hash: &str, path: &Path) -> Result<()> {
    if blake3::hash(bytes).to_hex().as_str() == hash {
        return Ok(());
    }
    Err(Error::bad_file(path, format!("a part is not what its hash {hash:.16} says"), "export the product again"))
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::super::tests::Home;
    use super::*;

    #[test]
    fn a_product_comes_back_from_its_zip_with_all_files() {
        let home = Home::new();
        let mut product = home.product();
        product.add(&[home.file("a.png", "a"), home.file("b.jpg", "b")], Role::Normal, "references").unwrap();
        let zip = home.0.path().join("plate.zip");
        product.export(&zip).unwrap();
        let copy = Product::import(&zip, &home.0.path().join("copy")).unwrap();
        assert_eq!(copy.versions(), product.versions());
        assert!(copy.files(Role::Normal).iter().all(|file| file.is_file()));
        assert!(Product::import(&zip, &home.0.path().join("copy")).is_err(), "nothing is overwritten");
    }

    #[track_caller]
    fn check_refused(files: &[(&str, &str)], expected: &str) {
        let home = Home::new();
        let zip = home.0.path().join("bad.zip");
        let mut archive = zip::ZipWriter::new(fs_err::File::create(&zip).unwrap());
        for (name, content) in files {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        let target = home.0.path().join("out");
        let error = Product::import(&zip, &target).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!target.exists(), "nothing is left");
    }

    fn record_of(hash: &str, ending: &str) -> String {
        serde_json::json!({"form": 1, "name": "x", "current": 1, "versions": [{"number": 1, "parent": null, "made": "",
            "reason": "", "settings": {}, "model": null, "calibration": null,
            "references": [{"name": "a", "hash": hash, "ending": ending, "role": "normal"}]}]})
        .to_string()
    }

    #[test]
    fn a_hostile_zip_is_refused_and_leaves_nothing() {
        let hash = blake3::hash(b"a").to_hex().to_string();
        check_refused(&[("other", "")], "lacks product.json");
        check_refused(&[(RECORD, "{}")], "damaged");
        check_refused(&[(RECORD, &record_of("../../x", "png"))], "no hash");
        check_refused(&[(RECORD, &record_of(&hash, "png/../x"))], "no hash");
        check_refused(&[(RECORD, &record_of(&hash, "png"))], "lacks references/");
        check_refused(
            &[(RECORD, &record_of(&hash, "png")), (&format!("references/{hash}.png"), "b")],
            "is not what its hash",
        );
    }
}
