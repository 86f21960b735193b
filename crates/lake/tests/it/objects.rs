use bytes::Bytes;
use futures::TryStreamExt;

use crate::places::on_each_place;

const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn objects_are_created_once_and_listed_by_key() {
    on_each_place(|objects| async move {
        assert!(
            objects
                .create("raw/a/data/x y.csv", Bytes::from("abc"))
                .await
                .unwrap()
        );
        assert!(
            !objects
                .create("raw/a/data/x y.csv", Bytes::from("other"))
                .await
                .unwrap()
        );
        assert_eq!(objects.get("raw/a/data/x y.csv").await.unwrap(), "abc");
        let listed: Vec<_> = objects.list("raw/").try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(
            (listed[0].key.as_str(), listed[0].size_bytes),
            ("raw/a/data/x y.csv", 3)
        );
        assert!(objects.head("raw/b").await.unwrap().is_none());
        assert_eq!(objects.delete_folder("raw/").await.unwrap(), 1);
        assert!(objects.head("raw/a/data/x y.csv").await.unwrap().is_none());
    });
}

#[test]
fn copies_are_hashed_and_kept() {
    on_each_place(|objects| async move {
        objects.put("inbox/f", Bytes::from("abc")).await.unwrap();
        let etag = objects.head("inbox/f").await.unwrap().unwrap().etag;
        let copied = objects
            .copy_hashed("inbox/f", 3, etag.as_deref(), "raw/f")
            .await
            .unwrap();
        assert_eq!(copied, (ABC_SHA256.to_owned(), 3));
        // A second attempt keeps the copy, even where the original has changed since.
        objects.put("inbox/f", Bytes::from("abcd")).await.unwrap();
        let again = objects
            .copy_hashed("inbox/f", 3, etag.as_deref(), "raw/f")
            .await
            .unwrap();
        assert_eq!(again, copied);
        assert_eq!(objects.get("raw/f").await.unwrap(), "abc");
    });
}

#[test]
fn a_changed_object_is_not_copied() {
    on_each_place(|objects| async move {
        objects.put("inbox/f", Bytes::from("abc")).await.unwrap();
        let etag = objects.head("inbox/f").await.unwrap().unwrap().etag;
        objects.put("inbox/f", Bytes::from("abcd")).await.unwrap();
        let error = objects
            .copy_hashed("inbox/f", 3, etag.as_deref(), "raw/f")
            .await
            .unwrap_err();
        assert!(error.is_changed(), "{error}");
        assert!(objects.head("raw/f").await.unwrap().is_none());
    });
}

#[test]
fn large_objects_are_read_in_order() {
    on_each_place(|objects| async move {
        let bytes: Vec<u8> = (0..20_000_000u32).map(|at| (at / 7) as u8).collect();
        objects
            .put("big", Bytes::from(bytes.clone()))
            .await
            .unwrap();
        let size = bytes.len() as u64;
        let read: Vec<Bytes> = objects.read("big", size, None).try_collect().await.unwrap();
        assert!(read.len() > 1);
        assert!(read.concat() == bytes);
    });
}
