package versions

import "slices"

// TableNames says what tables are called: by their names alone, unless two
// schemas have one of that name. It has the schemas in which a name is shown.
type TableNames map[string][]string

func namesOf[T any](all []T, name func(*T) (namespace, table string)) TableNames {
	names := TableNames{}
	for i := range all {
		namespace, table := name(&all[i])
		names[table] = append(names[table], namespace)
	}
	return names
}

// Called is what a table is called. One that is not shown does not take the
// name of one that is.
func (n TableNames) Called(namespace, table string) string {
	if shown := n[table]; len(shown) > 1 || len(shown) == 1 && shown[0] != namespace {
		return namespace + "." + table
	}
	return table
}

// Shows says that a table is shown.
func (n TableNames) Shows(namespace, table string) bool { return slices.Contains(n[table], namespace) }

// All are the tables that are shown, as they are called.
func (n TableNames) All() map[string]bool {
	all := map[string]bool{}
	for table, schemas := range n {
		for _, namespace := range schemas {
			all[n.Called(namespace, table)] = true
		}
	}
	return all
}
