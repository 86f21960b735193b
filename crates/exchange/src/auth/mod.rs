//! Who asks, and what that client may do.
