//! Picture → embedding or patch features; text → embedding. In: a checkpoint's files and decoded pictures. Out: unit
//! vectors that carry the identity of what made them. Knows no index and no file of the user's.

use image::RgbImage;

use crate::error::{Error, Result};

mod accelerator;
mod attention;
mod awake;
mod batch_norm;
mod bytes;
mod checkpoint;
mod chinese_clip;
mod clip;
mod convolution;
mod dense;
mod depthwise;
mod dinov2;
mod embedding;
mod fastvit;
mod hub;
mod int8;
mod keys;
mod learned_prompts;
mod lines;
mod mobileclip;
mod modified_resnet;
mod names;
mod norm;
mod on_card;
mod openclip;
mod ops;
mod pairs;
mod panel;
mod pickle;
mod position;
mod preprocess;
mod products;
mod registry;
mod siglip;
mod siglip_vision;
mod stages;
mod starter;
#[cfg(test)]
mod testing;
mod text_tower;
mod tiles;
mod timm;
mod tokenizer;
mod towers;
mod transformer;
mod unpickle;
mod vit;
mod weights;

pub use accelerator::{Accelerator, accelerator};
pub use candle_core::Device;
pub use checkpoint::{Checkpoint, load};
pub(crate) use embedding::unit_rows;
pub use embedding::{ModelIdentity, PatchFeatures, UnitVector, WordFeatures};
pub use hub::{Hub, download, find, remove};
pub use learned_prompts::LearnedPrompts;
pub use preprocess::{Preprocessing, Resize};
pub(crate) use products::{Steps, product};
pub use registry::{Card, OwnModel, Quality, REGISTRY, Registry, add_own_model, own_models, remove_own_model};
pub use starter::{STARTER, starter};
pub use tokenizer::{TextTokenizer, Tokenized};
pub use towers::{ImageTower, TextTower};

/// Every family of checkpoints, in the order in which they are asked. A new family is one file and one line here.
pub const FAMILIES: &[&dyn Family] = &[
    &clip::Clip,
    // Both are told by open_clip's configuration: the particular one is asked before the general one.
    &mobileclip::MobileClip,
    &openclip::OpenClip,
    &dinov2::DinoV2,
    &siglip::SigLip,
    &chinese_clip::ChineseClip,
];

/// A kind of checkpoint that can be recognised by its files and loaded.
pub trait Family: Sync {
    /// Its name in the registry ("clip").
    fn name(&self) -> &'static str;

    /// Whether the checkpoint's own configuration says that it is of this family.
    fn recognises(&self, checkpoint: &Checkpoint) -> bool;

    /// Builds the model.
    ///
    /// # Errors
    /// Names the file, the key or the tensor that is missing, misshapen or left over. Nothing is ever filled in.
    fn load(&self, checkpoint: &Checkpoint) -> Result<Box<dyn Encoder>>;
}

/// A loaded model. Pictures come in as [`Encoder::prepare`] made them.
pub trait Encoder: Send + Sync {
    /// What its vectors must be kept apart by.
    fn identity(&self) -> &ModelIdentity;

    /// How pictures become its input.
    fn preprocessing(&self) -> &Preprocessing;

    /// Computes pictures in 8 bits from now on: the weights of the large products by output, what they are multiplied with
    /// by row. Its vectors are near those in 32 bits, and kept apart from them. Texts stay in 32 bits: they are short, and
    /// one query is compared with all photos.
    ///
    /// # Errors
    /// A model for which this brings nothing: it stays as it is.
    fn quantise(&mut self) -> Result<()> {
        Err(Error::bad_request(
            format!("the model {:?} is computed in 32 bits only", self.identity().id),
            "leave the precision as it is",
        ))
    }

    /// Computes embeddings of pictures on this device from now on: those of the processor up to rounding. Everything else
    /// stays on the processor.
    ///
    /// # Errors
    /// A model that is computed on the processor alone, or a card without room for it: it stays as it is.
    fn compute_on(&mut self, _device: &Device) -> Result<()> {
        Err(Error::bad_request(
            format!("the model {:?} is computed on the processor alone", self.identity().id),
            "choose a CLIP or DINOv2 model",
        ))
    }

    /// The length of its embeddings.
    fn dim(&self) -> usize;

    /// How many pictures at once it computes fastest.
    fn batch_size(&self) -> usize {
        16
    }

    /// Brings a picture to the model's input size: resize and crop, still 8-bit RGB.
    ///
    /// # Errors
    /// A picture without pixels.
    fn prepare(&self, picture: &RgbImage) -> Result<RgbImage> {
        self.preprocessing().prepare(picture)
    }

    /// Embeds prepared pictures: one unit vector of [`Encoder::dim`] each, in order.
    ///
    /// # Errors
    /// Pictures of another size than the model's, or a model that gives no direction.
    fn embed_pictures(&self, prepared: &[RgbImage]) -> Result<Vec<UnitVector>>;

    /// Embeds texts: one unit vector each, in order, in the same space as the pictures.
    ///
    /// # Errors
    /// [`crate::Error::NoTextTower`] for a model that knows only pictures.
    fn embed_texts(&self, texts: &[&str]) -> Result<Vec<UnitVector>>;

    /// Embeds prompts that were learnt in place of words: one unit vector for a good object, one for a damaged one.
    ///
    /// # Errors
    /// A model whose text tower takes no such prompts, or one of another width.
    fn embed_learned(&self, _prompts: &LearnedPrompts) -> Result<[UnitVector; 2]> {
        Err(Error::bad_request(
            format!("the model {:?} takes no learnt prompts", self.identity().id),
            "choose the CLIP model that they were trained with",
        ))
    }

    /// How a text becomes tokens, so that a query can be told what of it the model reads; `None` without a text tower.
    fn tokenizer(&self) -> Option<&TextTokenizer>;

    /// Features of every patch of one picture, whose sides are brought to a multiple of the patch size with the longer
    /// one near `size` pixels (the model's own input size if `None`).
    ///
    /// # Errors
    /// A picture without pixels, or a family whose grid cannot be changed.
    fn patch_features(&self, picture: &RgbImage, size: Option<usize>) -> Result<PatchFeatures>;

    /// As [`Encoder::patch_features`], with the lengths that the tower gives: a convolutional tower's stages are joined
    /// there after each feature was scaled to length 1, and how strongly a stage answers is lost.
    ///
    /// # Errors
    /// As [`Encoder::patch_features`].
    fn unscaled_patch_features(&self, picture: &RgbImage, size: Option<usize>) -> Result<PatchFeatures> {
        self.patch_features(picture, size)
    }

    /// What each part of one picture is by itself, in the space of the embeddings and not yet of length 1: one layer, on a
    /// grid as that of [`Encoder::patch_features`]. Its cosine with a text says where in the picture the text is.
    ///
    /// # Errors
    /// A picture without pixels, or a family that has no such places.
    fn dense_features(&self, _picture: &RgbImage, _size: Option<usize>) -> Result<PatchFeatures> {
        Err(Error::bad_request(towers::NO_DENSE, towers::DENSE_REMEDY))
    }

    /// Features of every patch, of windows of a few patches and of the whole of one picture, to be compared with words;
    /// `size` as for [`Encoder::patch_features`].
    ///
    /// # Errors
    /// A picture without pixels, or a model whose patches no words can be compared with.
    fn word_features(&self, _picture: &RgbImage, _size: Option<usize>) -> Result<WordFeatures> {
        Err(Error::bad_request(
            format!("no words can be compared with the patches of {:?}", self.identity().id),
            "choose a CLIP model",
        ))
    }

    /// The image tower itself, from pixels to features: for comparisons with the reference.
    fn image_tower(&self) -> Option<&dyn ImageTower> {
        None
    }

    /// The text tower itself, from ids to embeddings.
    fn text_tower(&self) -> Option<&dyn TextTower> {
        None
    }
}
