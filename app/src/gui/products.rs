//! Where products are: a folder each in the library. In: the library's folder. Out: products, their names, free places.
//! Reads and writes files: for jobs only.

use std::path::{Path, PathBuf};

use sightline_core::anomaly::Settings;
use sightline_core::anomaly::product::{Product, Role};
use sightline_core::engine::pictures_in;
use sightline_core::{Error, Result};

use super::state::{ProductRow, count};
use super::translate::{tr, tr_with};

/// The folder of the products in the library's.
const PRODUCTS: &str = "products";

/// What folders of good parts are called: no product is called so.
const NO_NAMES: [&str; 10] = ["good", "ok", "normal", "train", "test", "references", "images", "gut", "io", "data"];

/// Every product of the library, sorted by name. One that cannot be read is left out: opening it says why.
pub fn rows(library: &Path) -> Vec<ProductRow> {
    let entries = fs_err::read_dir(library.join(PRODUCTS)).into_iter().flatten().flatten();
    let row = |folder: PathBuf| {
        let product = Product::open(&folder).ok()?;
        let (name, version) = (product.name().to_owned(), product.version().number);
        Some(ProductRow { name, folder, version, references: count(&product, Role::Normal) })
    };
    let mut rows: Vec<ProductRow> = entries.filter_map(|entry| row(entry.path())).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

/// A new product of these good parts, called as the folder that they are in.
///
/// # Errors
/// No picture among them, one that cannot be read, a full disk; nothing is left behind then.
pub fn created(good: &[PathBuf], library: &Path) -> Result<Product> {
    let files = pictures_in(good)?;
    let Some(first) = files.first() else {
        return Err(Error::bad_request(
            tr("there is no picture in it"),
            tr("choose pictures of good parts, or a folder of them"),
        ));
    };
    let name = name_of(first);
    let folder = free_folder(&library.join(PRODUCTS), &file_name(&name));
    let mut product = Product::create(&folder, &unlike(&name, &rows(library)), Settings::default())?;
    let added = product.add(&files, Role::Normal, tr("the first good parts"));
    if let Err(error) = added {
        // That it cannot be removed either is not the error to report.
        fs_err::remove_dir_all(&folder).ok();
        return Err(error);
    }
    Ok(product)
}

/// A product from its file.
///
/// # Errors
/// A file that is no product's.
pub fn imported(zip: &Path, library: &Path) -> Result<Product> {
    let name = zip.file_stem().unwrap_or_default().to_string_lossy();
    Product::import(zip, &free_folder(&library.join(PRODUCTS), &file_name(&name)))
}

/// `name` in `folder`, or with a number after it if that is taken.
pub fn free_folder(folder: &Path, name: &str) -> PathBuf {
    let first = folder.join(name);
    let numbered = (2..).map(|number| folder.join(format!("{name}-{number}")));
    std::iter::once(first.clone()).chain(numbered).find(|path| !path.exists()).unwrap_or(first)
}

/// A name as that of a file on any system.
pub fn file_name(name: &str) -> String {
    let letter = |letter: char| if letter.is_alphanumeric() || "-_ ".contains(letter) { letter } else { '-' };
    let name: String = name.chars().map(letter).take(60).collect();
    let name = name.trim().to_owned();
    if name.is_empty() { "product".to_owned() } else { name }
}

/// The nearest folder above a good part that says what it is.
fn name_of(file: &Path) -> String {
    let folders = file.parent().into_iter().flat_map(Path::ancestors).filter_map(Path::file_name);
    let names = folders.map(|name| name.to_string_lossy().into_owned()).take(4);
    let mut names = names.filter(|name| !NO_NAMES.contains(&name.to_lowercase().as_str()));
    names.next().unwrap_or_else(|| tr("Product").to_owned())
}

/// The name, with a number after it if there is a product of this name.
fn unlike(name: &str, rows: &[ProductRow]) -> String {
    let is_free = |name: &String| rows.iter().all(|row| row.name != *name);
    let numbered = (2..=rows.len() + 2).map(|number| tr_with("{} ({})", &[name, &number.to_string()]));
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_called_as_the_folder_that_says_what_it_is() {
        let names = ["/data/plates/train/good/1.png", "/home/anna/Left door/a.png", "/good/1.png"];
        assert_eq!(names.map(|file| name_of(Path::new(file))), ["plates", "Left door", "Product"]);
    }

    #[test]
    fn names_become_names_of_files() {
        assert_eq!(["a/b:c", "  ", "Deckel ü"].map(file_name), ["a-b-c", "product", "Deckel ü"]);
    }

    #[test]
    fn a_second_product_of_a_name_has_a_number() {
        let row = |name: &str| ProductRow { name: name.into(), folder: "/p".into(), version: 1, references: 4 };
        assert_eq!(unlike("plate", &[row("plate"), row("plate (2)")]), "plate (3)");
        assert_eq!(unlike("lid", &[row("plate")]), "lid");
    }

    #[test]
    fn products_are_made_listed_and_opened_again() {
        let home = tempfile::tempdir().unwrap();
        let good = home.path().join("plates/good");
        fs_err::create_dir_all(&good).unwrap();
        fs_err::write(good.join("a.png"), "a").unwrap();
        let library = home.path().join("library");
        let product = created(std::slice::from_ref(&good), &library).unwrap();
        assert_eq!((product.name(), product.version().number), ("plates", 2));
        let row = &rows(&library)[0];
        assert_eq!((row.name.as_str(), row.version, row.references), ("plates", 2, 1));
        assert!(created(&[library.join("nothing")], &library).is_err());
        assert_eq!(rows(&library).len(), 1, "nothing is left behind");
    }
}
