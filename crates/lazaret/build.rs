//! The binary carries `library/` and `demo/`: a file that is added there rebuilds it.

fn main() {
    for folder in ["library", "demo/feeds", "demo/inbox"] {
        println!("cargo:rerun-if-changed=../../{folder}");
    }
}
