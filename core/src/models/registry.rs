//! Which models there are. In: assets/models.toml (compiled in) and the list of folders that the user added. Out: cards.
//!
//! Knows nothing of the network and of what is on the disk: `hub` does.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::error::{Error, Result};

/// The models that can be downloaded, in the order of assets/models.toml.
pub static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    // What is compiled in always parses: `the_registry_is_sound` sees to it.
    toml::from_str(include_str!("../../../assets/models.toml")).unwrap_or_default()
});

/// A list of models that can be downloaded.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    #[serde(rename = "model")]
    cards: Vec<Card>,
}

/// One model that can be downloaded.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What people type ("clip-vit-b-32").
    pub id: String,
    /// The [`super::Family::name`] that reads it.
    pub family: String,
    /// Its repository on the hub ("openai/clip-vit-base-patch32").
    pub repository: String,
    /// Branch, tag or commit of the repository.
    pub revision: String,
    /// Files that every copy must have.
    pub files: Vec<String>,
    /// Files that are taken where the hub has them.
    #[serde(default)]
    pub optional: Vec<String>,
    /// Weights; the first of these that the hub has is taken.
    pub weights: Vec<String>,
    /// Bytes to download, rounded; the exact number comes from the hub.
    pub bytes: u64,
    /// Licence of the weights, as their publisher states it.
    pub licence: String,
    /// Side of its input in pixels.
    pub input_size: usize,
    /// Length of its embeddings.
    pub dim: usize,
    /// Texts around a query, each with one "{}"; a query is embedded with each and averaged. None: the query alone.
    #[serde(default)]
    pub templates: Vec<String>,
    /// Languages of text queries (ISO 639-1; "many" for a multilingual tower); none for a model that knows no words.
    pub languages: Vec<String>,
    /// When to choose it, in a few words.
    pub good_at: String,
    /// How good it is, where open_clip's tables have it.
    pub quality: Option<Quality>,
}

/// How good a model is without any training for the task, in percent, as published.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// ImageNet: photos whose name is found among 1,000.
    pub imagenet: f32,
    /// COCO: captions that find their photo first among 5,000.
    pub coco: f32,
}

impl Registry {
    /// The model that is called `id`, which may also be its repository's name on the hub; case does not matter.
    pub fn get(&self, id: &str) -> Option<&Card> {
        self.cards.iter().find(|card| card.id.eq_ignore_ascii_case(id) || card.repository.eq_ignore_ascii_case(id))
    }

    /// Every model, in the order in which it is shown.
    pub fn cards(&self) -> &[Card] {
        &self.cards
    }
}

impl Card {
    /// The texts to embed for `query`: one for each template, or the query alone.
    pub fn prompts(&self, query: &str) -> Vec<String> {
        if self.templates.is_empty() {
            return vec![query.to_owned()];
        }
        self.templates.iter().map(|template| template.replace("{}", query)).collect()
    }

    /// Every file that one copy may have: required ones, weights, optional ones.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().chain(&self.weights).chain(&self.optional).map(String::as_str)
    }
}

/// A model folder of the user's own, from `sightline models add`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct OwnModel {
    /// What it is called: the folder's name, with a number where that is taken.
    pub id: String,
    /// Its folder, absolute.
    pub folder: PathBuf,
}

#[derive(Default, serde::Deserialize, serde::Serialize)]
struct OwnModels {
    #[serde(default, rename = "model")]
    models: Vec<OwnModel>,
}

/// The models in the list at `list` (a small TOML file), in the order in which they were added; none without a file.
///
/// # Errors
/// A list that cannot be read or is damaged; the error names it.
pub fn own_models(list: &Path) -> Result<Vec<OwnModel>> {
    let text = match fs_err::read_to_string(list) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let damaged = |_| Error::bad_file(list, "the list of your own models is damaged", "mend or remove this file");
    Ok(toml::from_str::<OwnModels>(&text).map_err(damaged)?.models)
}

/// Adds `folder` to the list at `list` and gives its entry; a folder that is there already keeps its id.
///
/// # Errors
/// A folder that does not exist, or a list that cannot be read or written.
pub fn add_own_model(list: &Path, folder: &Path) -> Result<OwnModel> {
    let folder = fs_err::canonicalize(folder)?;
    let mut models = own_models(list)?;
    if let Some(known) = models.iter().find(|model| model.folder == folder) {
        return Ok(known.clone());
    }
    let model = OwnModel { id: free_id(&folder, &models), folder };
    models.push(model.clone());
    write_own_models(list, models)?;
    Ok(model)
}

/// Takes `id` off the list at `list`; the folder itself stays. False when the list has no such model.
///
/// # Errors
/// A list that cannot be read or written.
pub fn remove_own_model(list: &Path, id: &str) -> Result<bool> {
    let mut models = own_models(list)?;
    let before = models.len();
    models.retain(|model| model.id != id);
    let is_removed = models.len() < before;
    if is_removed {
        write_own_models(list, models)?;
    }
    Ok(is_removed)
}

fn free_id(folder: &Path, taken: &[OwnModel]) -> String {
    let name = folder.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned());
    let is_free =
        |id: &String| id != super::STARTER && REGISTRY.get(id).is_none() && taken.iter().all(|model| model.id != *id);
    let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(is_free).unwrap_or(name)
}

/// Writes beside and renames, so that a crash leaves the old list or the new one.
fn write_own_models(list: &Path, models: Vec<OwnModel>) -> Result<()> {
    let not_utf8 = |_| Error::bad_request("a model's folder has a name that is not UTF-8", "rename the folder");
    let text = toml::to_string(&OwnModels { models }).map_err(not_utf8)?;
    if let Some(parent) = list.parent() {
        fs_err::create_dir_all(parent)?;
    }
    let beside = list.with_extension("new");
    fs_err::write(&beside, text)?;
    Ok(fs_err::rename(beside, list)?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Component;

    use super::*;

    #[track_caller]
    fn check_card(card: &Card) {
        let id = &card.id;
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{id}");
        let is_family = crate::models::FAMILIES.iter().any(|family| family.name() == card.family);
        assert!(is_family, "{id}: there is no family {:?}", card.family);
        assert_eq!(card.repository.split('/').count(), 2, "{id}: repository is OWNER/NAME");
        assert!(!card.files.is_empty() && !card.weights.is_empty(), "{id}: files and weights");
        for name in card.names() {
            assert!(Path::new(name).components().all(|part| matches!(part, Component::Normal(_))), "{id}: {name}");
        }
        assert!(card.bytes > 1_000_000 && card.input_size > 0 && card.dim > 0, "{id}: sizes");
        assert!(!card.licence.is_empty() && !card.good_at.is_empty() && !card.revision.is_empty(), "{id}: texts");
        assert!(card.templates.iter().all(|template| template.matches("{}").count() == 1), "{id}: templates");
    }

    #[test]
    fn the_registry_is_sound() {
        let text = include_str!("../../../assets/models.toml");
        let registry: Registry = toml::from_str(text).unwrap();
        registry.cards().iter().for_each(check_card);
        let ids: HashSet<_> = registry.cards().iter().map(|card| &card.id).collect();
        assert_eq!(ids.len(), registry.cards().len(), "ids are unique");
        assert!(!text.contains("://"), "the registry names no host: HF_ENDPOINT decides");
    }

    #[test]
    fn a_model_is_found_by_its_id_and_by_its_repository() {
        let by_id = REGISTRY.get("CLIP-ViT-B-32").unwrap();
        assert_eq!(REGISTRY.get("openai/clip-vit-base-patch32"), Some(by_id));
        assert_eq!(REGISTRY.get("no-such-model"), None);
    }

    #[test]
    fn a_query_is_asked_with_every_template_or_as_it_is() {
        assert_eq!(REGISTRY.get("clip-vit-b-32").unwrap().prompts("a dog"), ["a dog", "a photo of a dog"]);
        assert_eq!(REGISTRY.get("chinese-clip-vit-b-16").unwrap().prompts("狗"), ["狗"]);
    }

    #[test]
    fn own_models_are_added_once_and_removed_by_id() {
        let place = tempfile::tempdir().unwrap();
        let list = place.path().join("config").join("own-models.toml");
        let folders = ["a/mine", "b/mine", "clip-vit-b-32"].map(|name| place.path().join(name));
        folders.iter().for_each(|folder| fs_err::create_dir_all(folder).unwrap());
        assert_eq!(own_models(&list).unwrap(), []);
        let ids = folders.each_ref().map(|folder| add_own_model(&list, folder).unwrap().id);
        assert_eq!(ids, ["mine", "mine-2", "clip-vit-b-32-2"], "an id says which model is meant");
        assert_eq!(add_own_model(&list, &folders[1]).unwrap().id, "mine-2");
        assert!(remove_own_model(&list, "mine").unwrap());
        assert!(!remove_own_model(&list, "mine").unwrap());
        let left: Vec<_> = own_models(&list).unwrap().into_iter().map(|model| model.id).collect();
        assert_eq!(left, ["mine-2", "clip-vit-b-32-2"]);
        assert!(folders[0].is_dir(), "the folder itself stays");
    }

    #[test]
    fn a_damaged_list_is_named_and_kept() {
        let place = tempfile::tempdir().unwrap();
        let list = place.path().join("own-models.toml");
        fs_err::write(&list, "no list").unwrap();
        let error = add_own_model(&list, place.path()).unwrap_err().to_string();
        assert!(error.contains("damaged") && error.ends_with("own-models.toml"), "{error}");
        assert_eq!(fs_err::read_to_string(&list).unwrap(), "no list");
    }
}
