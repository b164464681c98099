# generated documents
