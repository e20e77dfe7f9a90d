// The photos of the map: a square each, all of them in one call.

struct Uniforms {
    // What of the map is in the middle, and how far it is from there to the right and the upper edge.
    middle: vec2<f32>,
    reach: vec2<f32>,
    // Half a point's side, as a share of half the room.
    half: vec2<f32>,
    unused: vec2<f32>,
    // Premultiplied, as the target wants it.
    colour: vec4<f32>,
}

@group(0) @binding(0) var<uniform> uniforms: Uniforms;

@vertex
fn corner(@builtin(vertex_index) index: u32, @location(0) place: vec2<f32>) -> @builtin(position) vec4<f32> {
    let at = 2.0 * vec2<f32>(f32(index & 1u), f32(index >> 1u)) - 1.0;
    let centre = (place - uniforms.middle) / uniforms.reach;
    return vec4<f32>(centre + at * uniforms.half, 0.0, 1.0);
}

@fragment
fn colour() -> @location(0) vec4<f32> {
    return uniforms.colour;
}
