package device

import (
	"github.com/flotilla-sim/flotilla/sim"
	"github.com/flotilla-sim/flotilla/sim/doc"
)

// installProperties makes the object table reachable by direct methods, as the
// preview made it by LwM2M.
//
//	dm.read    {"resources":["/3/0/15"]}  200 {"/3/0/15":"PST"}
//	dm.write   {"/5/0/1":"http://..."}    200 {}
//	dm.execute {"resource":"/5/0/2"}      200 {}; "argument" is optional
//
// What is wrong is answered {"error":"...","resource":"/5/0/1"} with the
// status of the first resource that does not do: 404 no such resource, 405 not
// this operation on it, 400 bad value or refused, 501 no callback, 500 the
// callback failed. A read answers all values or none. A write is checked whole
// before anything is written; resources are then written in the order of
// their paths, and a callback that fails ends it: what is written stays.
func installProperties(m *Model) {
	m.OnMethod("dm.read", readProperties)
	m.OnMethod("dm.write", writeProperties)
	m.OnMethod("dm.execute", executeProperty)
}

func readProperties(d *Device, payload doc.Value) (int32, doc.Value) {
	paths := payload.Get("resources")
	if paths.Kind() != doc.KindArray || paths.Len() == 0 {
		return refuse("", Errorf(BadRequest, `payload: write {"resources":["/3/0/15"]}`))
	}
	var values []doc.Member
	for i := range paths.Len() {
		path := paths.Index(i).Text()
		r, err := allowed(path, sim.Readable, "read")
		if err != nil {
			return refuse(path, err)
		}
		values = append(values, doc.Member{Name: path, Value: d.Value(r).Doc()})
	}
	return OK, doc.Object(values...)
}

func writeProperties(d *Device, payload doc.Value) (int32, doc.Value) {
	if payload.Kind() != doc.KindObject || payload.Len() == 0 {
		return refuse("", Errorf(BadRequest, `payload: write {"/3/0/15":"PST"}`))
	}
	type change struct {
		r    Resource
		v    Value
		path string
	}
	var changes []change
	for path, v := range payload.Members() {
		r, err := allowed(path, sim.Writable, "written")
		var value Value
		if err == nil {
			value, err = r.Parse(v)
		}
		if err == nil && r == FirmwarePackage && !d.Model().Writes(r) {
			err = Errorf(NotImplemented, "%s: packages are taken by their URI; write %s", r, FirmwarePackageURI)
		}
		if err != nil {
			return refuse(path, err)
		}
		changes = append(changes, change{r, value, path})
	}
	for _, c := range changes {
		if err := d.Write(c.r, c.v); err != nil {
			return refuse(c.path, err)
		}
	}
	return OK, doc.Value{}
}

func executeProperty(d *Device, payload doc.Value) (int32, doc.Value) {
	path := payload.Get("resource")
	if path.Kind() != doc.KindString {
		return refuse("", Errorf(BadRequest, `payload: write {"resource":"/5/0/2"}`))
	}
	r, err := allowed(path.Text(), sim.Executable, "executed")
	if err == nil {
		err = d.Execute(r, payload.Get("argument").Text())
	}
	if err != nil {
		return refuse(path.Text(), err)
	}
	return OK, doc.Value{}
}

// allowed finds the resource of a path if it may be done to it what is said.
func allowed(path string, way sim.Access, done string) (Resource, error) {
	r, ok := At(path)
	if !ok {
		return 0, Errorf(NotFound, "%.40q: no such resource", path)
	}
	if r.Info().Access&way == 0 {
		return 0, Errorf(NotAllowed, "%s: cannot be %s", r, done)
	}
	return r, nil
}

func refuse(path string, err error) (int32, doc.Value) {
	return StatusOf(err), refusal(path, err)
}
