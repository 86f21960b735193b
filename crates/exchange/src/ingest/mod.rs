//! What a client posts: read strictly, refused precisely.
