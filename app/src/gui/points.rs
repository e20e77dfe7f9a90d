//! The photos of the map on the graphics card. In: places, what of them is seen. Out: a shape. Places are uploaded once a
//! map; moving and zooming changes a few numbers a frame.

use std::sync::{Arc, Weak};

use bytemuck::{Pod, Zeroable};
use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, RenderState, ScreenDescriptor, wgpu};
use egui::{Color32, PaintCallbackInfo, Rect, Rgba, Shape, Vec2};
use sightline_core::search::PhotoMap;

use super::graphics::{Strip, uniform_buffer};

/// What of the map is seen, and how.
#[derive(Debug, Clone, Copy)]
pub struct PointsLook {
    /// The place in the middle.
    pub middle: Vec2,
    /// Points of the screen that one of the map is wide.
    pub unit: f32,
    /// Width of a disc, in points of the screen.
    pub side: f32,
    /// Its colour.
    pub color: Color32,
}

/// The points of `map` over `room`. The map's second axis goes up.
pub fn shape(map: &Arc<PhotoMap>, look: PointsLook, room: Rect) -> Shape {
    let half_room = room.size() / 2.0;
    let reach = half_room / look.unit;
    let half = Vec2::splat(look.side / 2.0) / half_room;
    let uniforms = Uniforms {
        middle: look.middle.into(),
        reach: reach.into(),
        half: half.into(),
        unused: [0.0; 2],
        colour: look.color.to_normalized_gamma_f32(),
    };
    let points = Points { map: Arc::clone(map), uniforms, linear: Rgba::from(look.color).to_array() };
    Shape::Callback(egui_wgpu::Callback::new_paint_callback(room, points))
}

/// As in points.wgsl.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
struct Uniforms {
    middle: [f32; 2],
    reach: [f32; 2],
    half: [f32; 2],
    unused: [f32; 2],
    colour: [f32; 4],
}

struct Points {
    map: Arc<PhotoMap>,
    uniforms: Uniforms,
    /// The colour for a target that converts to sRGB by itself.
    linear: [f32; 4],
}

/// What the graphics card keeps. One map is shown at a time.
struct Kept {
    pipeline: wgpu::RenderPipeline,
    uniforms: wgpu::Buffer,
    group: wgpu::BindGroup,
    is_linear: bool,
    /// The map, its places and how many they are.
    map: Option<(Weak<PhotoMap>, wgpu::Buffer, u32)>,
}

/// Prepares a window's graphics card.
pub(super) fn install(render_state: &RenderState) {
    let kept = Kept::new(&render_state.device, render_state.target_format);
    render_state.renderer.write().callback_resources.insert(kept);
}

impl CallbackTrait for Points {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _: &ScreenDescriptor,
        _: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(kept) = resources.get_mut::<Kept>() else { return Vec::new() };
        let colour = if kept.is_linear { self.linear } else { self.uniforms.colour };
        queue.write_buffer(&kept.uniforms, 0, bytemuck::bytes_of(&Uniforms { colour, ..self.uniforms }));
        let is_there = kept.map.as_ref().is_some_and(|(map, ..)| map.as_ptr() == Arc::as_ptr(&self.map));
        if !is_there {
            kept.map = Some(uploaded(device, queue, &self.map));
        }
        Vec::new()
    }

    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let Some(kept) = resources.get::<Kept>() else { return };
        let Some((_, places, count)) = &kept.map else { return };
        pass.set_pipeline(&kept.pipeline);
        pass.set_bind_group(0, &kept.group, &[]);
        pass.set_vertex_buffer(0, places.slice(..));
        pass.draw(0..4, 0..*count);
    }
}

fn uploaded(device: &wgpu::Device, queue: &wgpu::Queue, map: &Arc<PhotoMap>) -> (Weak<PhotoMap>, wgpu::Buffer, u32) {
    let bytes: &[u8] = bytemuck::cast_slice(&map.places);
    let places = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("points"),
        size: bytes.len() as u64,
        usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    queue.write_buffer(&places, 0, bytes);
    (Arc::downgrade(map), places, map.places.len() as u32)
}

impl Kept {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let uniforms = uniform_buffer(device, "points", size_of::<Uniforms>());
        let ty = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let visibility = wgpu::ShaderStages::VERTEX_FRAGMENT;
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("points"),
            entries: &[wgpu::BindGroupLayoutEntry { binding: 0, visibility, ty, count: None }],
        });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("points"),
            layout: &layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: uniforms.as_entire_binding() }],
        });
        let pipeline = pipeline(device, &layout, format);
        Self { pipeline, uniforms, group, is_linear: format.is_srgb(), map: None }
    }
}

fn pipeline(device: &wgpu::Device, group: &wgpu::BindGroupLayout, format: wgpu::TextureFormat) -> wgpu::RenderPipeline {
    let places = wgpu::VertexBufferLayout {
        array_stride: size_of::<[f32; 2]>() as u64,
        step_mode: wgpu::VertexStepMode::Instance,
        attributes: &wgpu::vertex_attr_array![0 => Float32x2],
    };
    let shader = wgpu::include_wgsl!("points.wgsl");
    let strip = Strip { label: "points", shader, fragment: "colour", group, buffers: &[Some(places)], format };
    strip.pipeline(device)
}
