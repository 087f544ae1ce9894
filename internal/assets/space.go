package assets

import "strings"

// Space is what is particular to one environment: its ids, and its databases.
type Space struct {
	uuids map[Kind]map[int]string
	ids   map[Kind]map[string]int

	logical  map[string]string // database UUID → logical name
	database map[string]string // logical name → database UUID

	layers     map[int]string // annotation layer id → name
	layerNames map[string]int
}

// NewSpace is a space that knows nothing yet.
func NewSpace() *Space {
	return &Space{
		uuids: map[Kind]map[int]string{}, ids: map[Kind]map[string]int{},
		logical: map[string]string{}, database: map[string]string{},
		layers: map[int]string{}, layerNames: map[string]int{},
	}
}

// Add notes that an asset has an id here.
func (s *Space) Add(kind Kind, id int, uuid string) {
	uuid = strings.ToLower(uuid)
	if s.ids[kind] == nil {
		s.ids[kind], s.uuids[kind] = map[string]int{}, map[int]string{}
	}
	s.ids[kind][uuid], s.uuids[kind][id] = id, uuid
}

// Forget takes an asset out that is not there any more.
func (s *Space) Forget(kind Kind, uuid string) {
	if id, ok := s.ids[kind][uuid]; ok {
		delete(s.ids[kind], uuid)
		delete(s.uuids[kind], id)
	}
}

// AddDatabase notes a database's logical name.
func (s *Space) AddDatabase(uuid, logical string) {
	uuid = strings.ToLower(uuid)
	s.logical[uuid], s.database[logical] = logical, uuid
}

// AddLayer notes an annotation layer, which Superset knows by no UUID.
func (s *Space) AddLayer(id int, name string) { s.layers[id], s.layerNames[name] = name, id }

// ID of an asset here.
func (s *Space) ID(kind Kind, uuid string) (int, bool) {
	id, ok := s.ids[kind][uuid]
	return id, ok
}

// UUID of an id here.
func (s *Space) UUID(kind Kind, id int) (string, bool) {
	uuid, ok := s.uuids[kind][id]
	return uuid, ok
}

// DatabaseUUID of a logical name here.
func (s *Space) DatabaseUUID(logical string) (string, bool) {
	uuid, ok := s.database[logical]
	return uuid, ok
}

// LogicalName of a database here; its UUID where the space does not know it.
func (s *Space) LogicalName(uuid string) string {
	if name, ok := s.logical[strings.ToLower(uuid)]; ok {
		return name
	}
	return uuid
}
