 OR
