// The photos of the map: a disc each, all of them in one call.

struct Uniforms {
    // What of the map is in the middle, and how far it is from there to the right and the upper edge.
    middle: vec2<f32>,
    reach: vec2<f32>,
    // Half a point's width, as a share of half the room.
    half: vec2<f32>,
    unused: vec2<f32>,
    // Premultiplied, as the target wants it.
    colour: vec4<f32>,
}

@group(0) @binding(0) var<uniform> uniforms: Uniforms;

struct Corner {
    @builtin(position) position: vec4<f32>,
    // From the middle of the disc: its rim is where this has length 1.
    @location(0) at: vec2<f32>,
}

@vertex
fn corner(@builtin(vertex_index) index: u32, @location(0) place: vec2<f32>) -> Corner {
    let at = 2.0 * vec2<f32>(f32(index & 1u), f32(index >> 1u)) - 1.0;
    let centre = (place - uniforms.middle) / uniforms.reach;
    return Corner(vec4<f32>(centre + at * uniforms.half, 0.0, 1.0), at);
}

@fragment
fn colour(corner: Corner) -> @location(0) vec4<f32> {
    let distance = length(corner.at);
    let rim = fwidth(distance);
    return uniforms.colour * (1.0 - smoothstep(1.0 - rim, 1.0, distance));
}
