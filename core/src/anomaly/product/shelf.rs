//! The products of a library, each in a folder of its own. In: names. Out: open products, and a line about each. What a
//! product is called may be any text; its folder's name is made from that and leads nowhere else.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Product, Role};
use crate::anomaly::settings::Settings;
use crate::error::{Error, Problem, Result};

/// So much of a name is in its folder's name, for whoever looks into the library.
const MOST_NAME: usize = 40;

/// Where a library keeps its products.
#[derive(Debug, Clone)]
pub struct Products {
    folder: PathBuf,
}

/// What is said of a product in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductRow {
    /// What the user calls it.
    pub name: String,
    /// The version in use.
    pub version: u32,
    /// When that version was made, in UTC.
    pub made: String,
    /// The method of its settings.
    pub method: String,
    /// Good parts that are learnt.
    pub references: usize,
    /// Good parts that set thresholds only.
    pub ok: usize,
    /// Known defects.
    pub defects: usize,
    /// The model that it was calibrated with; null before that.
    pub model: Option<String>,
}

impl ProductRow {
    /// What is said of `product`.
    pub fn of(product: &Product) -> Self {
        let version = product.version();
        let count = |role: Role| version.references.iter().filter(|reference| reference.role == role).count();
        Self {
            name: product.name().to_owned(),
            version: version.number,
            made: version.made.clone(),
            method: version.settings.method.clone(),
            references: count(Role::Normal),
            ok: count(Role::Ok),
            defects: count(Role::Defect),
            model: version.model.as_ref().map(ToString::to_string),
        }
    }
}

impl Products {
    /// The products of the library in `library`; nothing is made before the first product is.
    pub fn of_library(library: &Path) -> Self {
        Self { folder: library.join("products") }
    }

    /// A line about every product, sorted by name, and the folders that hold none that can be read.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn list(&self) -> Result<(Vec<ProductRow>, Vec<Problem>)> {
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        if !self.folder.is_dir() {
            return Ok((rows, problems));
        }
        for entry in fs_err::read_dir(&self.folder)? {
            let folder = entry?.path();
            let is_hidden = folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_hidden || !folder.is_dir() {
                continue;
            }
            match Product::open(&folder) {
                Ok(product) => rows.push(ProductRow::of(&product)),
                Err(error) => problems.push(Problem { reason: error.reason(), path: folder }),
            }
        }
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((rows, problems))
    }

    /// Makes a product of no part.
    ///
    /// # Errors
    /// A name that is empty or taken, settings that make no sense, a folder that cannot be written to.
    pub fn create(&self, name: &str, settings: Settings) -> Result<Product> {
        Product::create(&self.free(name)?, name, settings)
    }

    /// Opens the product of that name.
    ///
    /// # Errors
    /// No such product, or one whose record is damaged.
    pub fn open(&self, name: &str) -> Result<Product> {
        Product::open(&self.taken(name)?)
    }

    /// Takes a product from its zip file, under the name that it has there, or [`Products::free_name`] of it.
    ///
    /// # Errors
    /// A file that is no product's, a folder that cannot be written to.
    pub fn import(&self, zip: &Path) -> Result<Product> {
        // Beside its later place, so that moving it there is one step.
        let beside = self.folder.join(format!(".import-{}", std::process::id()));
        let moved = Product::import(zip, &beside).and_then(|mut product| {
            let name = self.free_name(product.name());
            if name != product.name() {
                product.rename(&name)?;
            }
            let folder = self.free(&name)?;
            fs_err::rename(&beside, &folder)?;
            Ok(folder)
        });
        if moved.is_err() {
            // What is half imported is of no use; that it cannot be removed either is not the error to report.
            std::fs::remove_dir_all(&beside).ok();
        }
        Product::open(&moved?)
    }

    /// Removes a product with all its versions and the copies of its parts. The audit log stays.
    ///
    /// # Errors
    /// No such product, or a folder that cannot be removed.
    pub fn remove(&self, name: &str) -> Result<()> {
        Ok(fs_err::remove_dir_all(self.taken(name)?)?)
    }

    /// Whether there is a product of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.folder.join(folder_name(name)).is_dir()
    }

    /// The name, with a number after it if there is a product of that name.
    pub fn free_name(&self, name: &str) -> String {
        let numbered = (2..).map(|number: u32| format!("{name} ({number})"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| !self.contains(name)).unwrap_or_default()
    }

    fn free(&self, name: &str) -> Result<PathBuf> {
        if name.trim().is_empty() || self.contains(name) {
            let what = format!("a product cannot be called {name:?}: taken or empty");
            return Err(Error::bad_request(what, "choose another name, or remove the other product first"));
        }
        Ok(self.folder.join(folder_name(name)))
    }

    fn taken(&self, name: &str) -> Result<PathBuf> {
        if self.contains(name) {
            return Ok(self.folder.join(folder_name(name)));
        }
        let what = format!("the library has no product {name:?}");
        Err(Error::bad_request(what, "`sightline products` lists those that it has"))
    }
}

/// Readable, free of anything that a path could be led astray by, and another one for every name.
fn folder_name(name: &str) -> String {
    let readable = name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let readable: String = readable.filter(char::is_ascii).take(MOST_NAME).collect();
    format!("{readable}-{:.12}", blake3::hash(name.as_bytes()).to_hex())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn names(products: &Products) -> Vec<String> {
        products.list().unwrap().0.into_iter().map(|row| row.name).collect()
    }

    #[test]
    fn products_are_made_listed_opened_and_removed_by_name() {
        let library = TempDir::new().unwrap();
        let products = Products::of_library(library.path());
        assert!(names(&products).is_empty());
        for name in ["Plate", "plate", "../../Ölfilter: \"gross\""] {
            products.create(name, Settings::default()).unwrap();
            assert_eq!(products.open(name).unwrap().name(), name);
        }
        assert_eq!(names(&products), ["../../Ölfilter: \"gross\"", "Plate", "plate"]);
        assert!(products.create("Plate", Settings::default()).is_err());
        assert!(products.create(" ", Settings::default()).is_err());
        products.remove("Plate").unwrap();
        assert_eq!(names(&products).len(), 2);
        assert!(products.open("Plate").is_err() && products.remove("Plate").is_err());
        assert_eq!(fs_err::read_dir(library.path()).unwrap().count(), 1, "nothing lies elsewhere");
    }

    #[test]
    fn a_product_from_a_file_keeps_its_name_if_that_is_free() {
        let library = TempDir::new().unwrap();
        let products = Products::of_library(library.path());
        let zip = library.path().join("plate.zip");
        let part = library.path().join("a.png");
        fs_err::write(&part, "a").unwrap();
        let mut product = products.create("Plate", Settings::default()).unwrap();
        product.add(&[part], Role::Normal, "references").unwrap();
        product.export(&zip).unwrap();
        assert_eq!(products.import(&zip).unwrap().name(), "Plate (2)");
        assert_eq!(products.open("Plate (2)").unwrap().version().number, 2);
        products.remove("Plate (2)").unwrap();
        products.remove("Plate").unwrap();
        let row = ProductRow::of(&products.import(&zip).unwrap());
        assert_eq!((row.name.as_str(), row.version, row.references), ("Plate", 2, 1));
        assert_eq!(names(&products), ["Plate"]);
    }

    #[test]
    fn a_folder_that_holds_no_product_is_said_and_hides_no_other() {
        let library = TempDir::new().unwrap();
        let products = Products::of_library(library.path());
        products.create("Plate", Settings::default()).unwrap();
        fs_err::create_dir_all(library.path().join("products/broken")).unwrap();
        let (rows, problems) = products.list().unwrap();
        assert_eq!((rows.len(), problems.len()), (1, 1));
    }
}
