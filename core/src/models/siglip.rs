//! SigLIP (Zhai et al. 2023) and the fixed-resolution checkpoints of SigLIP 2 (Tschannen et al. 2025), which are one
//! architecture. In: transformers' config.json, weights and tokenizer. Out: an encoder of our picture tower and
//! candle-transformers' text tower. Must never know how pictures were decoded.

use candle_core::{Module, Tensor};
use candle_transformers::models::siglip::{Config, TextModel, VisionConfig};
use serde_json::Value;
use tokenizers::normalizers::{Lowercase, Sequence};
use tokenizers::{NormalizerWrapper, Tokenizer};

use super::checkpoint::HF_WEIGHTS;
use super::clip::{whole_patches, wrong_config};
use super::mobileclip::full_rows;
use super::names::{HF_CLIP, canonical};
use super::ops::Activation;
use super::siglip_vision::{SiglipVision, SiglipVisionConfig};
use super::tokenizer::TextTokenizer;
use super::towers::{TextTower, Towers, with_vocabulary};
use super::transformer::{MlpKind, Size};
use super::{Checkpoint, Encoder, Family};
use crate::error::{Error, Result};

const REMEDY: &str = "download the model again, with all its files";

/// SigLIP in transformers' layout.
pub(super) struct SigLip;

impl Family for SigLip {
    fn name(&self) -> &'static str {
        "siglip"
    }

    fn recognises(&self, checkpoint: &Checkpoint) -> bool {
        // SigLIP 2 with fixed resolution says "siglip" too; "siglip2" is the one for any aspect ratio, another model.
        checkpoint.model_type().as_deref() == Some("siglip")
    }

    fn load(&self, checkpoint: &Checkpoint) -> Result<Box<dyn Encoder>> {
        // candle's configuration has transformers' defaults: the hub's files name only what differs from them.
        let config: Config = checkpoint.needed_json("config.json")?;
        let weights = checkpoint.weights(HF_WEIGHTS)?;
        let identity = checkpoint.identity(&weights)?;
        let weights = weights.renamed(canonical_name)?;
        let vision = vision_config(&config.vision_config, checkpoint)?;
        let context = config.text_config.max_position_embeddings;
        let towers = || -> Result<_> {
            let image = SiglipVision::load(vision, &weights.at("visual"), &weights.at("vision_model.head"))?;
            let tower = weights.build(|source| TextModel::new(&config.text_config, source.pp("text_model")))?;
            Ok((image, Text { tower, context }))
        };
        let ((image, text), tokenizer) = with_vocabulary(towers, || tokenizer(checkpoint, context))?;
        weights.finish()?;
        let preprocessing = checkpoint.hf_preprocessing()?;
        Ok(Box::new(Towers {
            identity,
            preprocessing,
            image: Box::new(image),
            text: Some((tokenizer, Box::new(text))),
        }))
    }
}

/// The picture tower's canonical names; candle's text tower wants its own.
fn canonical_name(name: &str) -> String {
    if name.starts_with("vision_model.") { canonical(name, HF_CLIP) } else { name.to_owned() }
}

fn vision_config(config: &VisionConfig, checkpoint: &Checkpoint) -> Result<SiglipVisionConfig> {
    let activation = match config.hidden_act {
        candle_nn::Activation::Gelu => Activation::Gelu,
        candle_nn::Activation::NewGelu | candle_nn::Activation::GeluPytorchTanh => Activation::GeluTanh,
        other => return Err(wrong_config(checkpoint, "config.json", format!("the activation {other:?} is unknown"))),
    };
    let size = Size {
        width: config.hidden_size,
        depth: config.num_hidden_layers,
        heads: config.num_attention_heads,
        inner: config.intermediate_size,
        mlp: MlpKind::Plain(activation),
        epsilon: config.layer_norm_eps,
        has_layer_scale: false,
        has_qkv_bias: true,
        is_causal: false,
    };
    let side = whole_patches(checkpoint, config.image_size, config.patch_size)?;
    Ok(SiglipVisionConfig { size, activation, patch: config.patch_size, side })
}

/// tokenizer.json, lower-casing, and padding up to the context: the embedding is that of the last token, whatever it is.
///
/// SigLIP 2 was trained on lower-cased text, as transformers' Siglip2Tokenizer does; its tokenizer.json, Gemma's, does
/// not say so. SigLIP's lower-cases itself, and twice is once.
fn tokenizer(checkpoint: &Checkpoint, context: usize) -> Result<TextTokenizer> {
    let path = checkpoint.file("tokenizer.json");
    let refused = |error: tokenizers::Error| {
        Error::bad_file(&path, format!("the tokenizer cannot be read ({error})"), "download the model again")
    };
    let mut inner = Tokenizer::from_bytes(&*checkpoint.needed("tokenizer.json")?).map_err(refused)?;
    let mut steps = vec![NormalizerWrapper::from(Lowercase)];
    steps.extend(inner.get_normalizer().cloned());
    inner.with_normalizer(Some(Sequence::new(steps))).map_err(refused)?;
    let tokenizer = TextTokenizer::new(inner, context, &path)?;
    let pad = pad_token(checkpoint)?;
    let unknown = || Error::bad_file(&path, format!("there is no token {pad:?}"), REMEDY);
    let pad_id = tokenizer.id(&pad).ok_or_else(unknown)?;
    Ok(tokenizer.padded(pad_id))
}

/// `pad_token` of tokenizer_config.json: a text, or an object that holds it as `content`. config.json's pad_token_id is
/// of no use: SigLIP 2's says 1, its tokenizer pads with 0.
fn pad_token(checkpoint: &Checkpoint) -> Result<String> {
    let name = "tokenizer_config.json";
    let config: Value = checkpoint.needed_json(name)?;
    let token = config.get("pad_token");
    let token = token.and_then(|token| token.get("content").unwrap_or(token).as_str());
    let lacks = || Error::bad_file(&checkpoint.file(name), "there is no \"pad_token\"", REMEDY);
    token.map(str::to_owned).ok_or_else(lacks)
}

struct Text {
    tower: TextModel,
    context: usize,
}

impl TextTower for Text {
    fn embed(&self, rows: &[Vec<u32>]) -> Result<Tensor> {
        Ok(self.tower.forward(&full_rows(rows, self.context)?)?)
    }
}
