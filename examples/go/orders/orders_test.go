package orders

import (
	"testing"

	_ "github.com/lib/pq"

	dbperf "dbperf.dev/integrations/go"
)

func TestList(t *testing.T) {
	t.Parallel()
	db := dbperf.New(t, "shop")
	list, err := List(db.DB)
	if err != nil || len(list) != 12 || list[0].Customer != "customer 12" {
		t.Fatal(list, err)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	db := dbperf.New(t, "shop")
	db.MaxStatements(1)
	if number, err := Place(db.DB, 1, "tea", 300); number != 13 || err != nil {
		t.Fatal(number, err)
	}
}

// The database is clean: numbers begin where they began.
func TestPlaceAgain(t *testing.T) {
	t.Parallel()
	db := dbperf.New(t, "shop")
	if number, err := Place(db.DB, 2, "cup", 900); number != 13 || err != nil {
		t.Fatal(number, err)
	}
	if list, err := List(db.DB); len(list) != 13 || err != nil {
		t.Fatal(list, err)
	}
}
