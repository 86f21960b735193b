//! FHIR R4 resources and bundles as records.
